import type { Json, JsonObject } from '../../core/json.ts';

/** What a resource answers, before the rules of the protocol dress it. */
export interface Reply {
  readonly status: number;
  readonly headers?: { readonly [name: string]: string };
  readonly body?: JsonObject;
}

/** An error body as DSP0266 §8.6 wants it: a general error, and what happened in `@Message.ExtendedInfo`. */
export function refusal(
  status: number,
  id: string,
  message: string,
  options: {
    readonly args?: readonly string[];
    readonly resolution?: string;
    readonly headers?: { readonly [name: string]: string };
  } = {},
): Reply {
  const info: { readonly [key: string]: Json } = {
    '@odata.type': '#Message.v1_1_2.Message',
    MessageId: `Base.1.18.${id}`,
    Message: message,
    MessageArgs: options.args ?? [],
    MessageSeverity: status >= 500 ? 'Critical' : 'Warning',
    Resolution: options.resolution ?? 'Correct the request and send it again.',
  };
  return {
    status,
    ...(options.headers === undefined ? {} : { headers: options.headers }),
    body: {
      error: {
        code: 'Base.1.18.GeneralError',
        message: 'A general error has occurred. See ExtendedInfo for more information.',
        '@Message.ExtendedInfo': [info],
      },
    },
  };
}
