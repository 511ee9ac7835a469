import { describe } from 'vitest';
import { preconditionIn } from '../contracts/precondition.ts';

describe('in BusyBox', () => preconditionIn(['busybox', 'sh']));
