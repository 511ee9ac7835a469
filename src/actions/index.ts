import type { AnyAction } from '../core/action.ts';
import { serviceStop } from './service/stop.ts';

/** Every kind of step there is. A file under `actions/` that is not in this list fails the build. */
export const actions: readonly AnyAction[] = [serviceStop];
