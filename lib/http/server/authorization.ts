import { shown } from '../../errors/assert-argument';
import type { Authorize } from './handler-options';
import { Problem } from './problem';

/** Who is allowed, and until when. */
export interface Allowed {
  readonly caller?: string;
  readonly signal?: AbortSignal;
}

export function assertAuthorize(authorize: unknown): asserts authorize is Authorize | 'public' {
  if (authorize === 'public' || typeof authorize === 'function') return;
  const expected = "a function, or 'public' to let everyone read and write";
  throw new TypeError(`Expected \`authorize\` to be ${expected}, got ${shown(authorize)}`);
}

/** Who is allowed to send a request, or the answer that refuses it. Rejects with a 403 if nobody is, and with a 503 if `authorize` fails, because that may pass. */
export async function allowedBy(authorize: Authorize | 'public', request: Request): Promise<Allowed | Response> {
  const verdict = await verdictOf(authorize, request);
  if (verdict instanceof Response) return verdict.clone();
  const allowed = verdict === true ? {} : callerOf(verdict);
  if (allowed === undefined) throw new Problem(403, 'ERR_ACCESS_DENIED', 'This is not allowed');
  return allowed;
}

async function verdictOf(authorize: Authorize | 'public', request: Request): Promise<unknown> {
  if (authorize === 'public') return true;
  try {
    return await authorize(request);
  } catch (cause) {
    throw new Problem(503, 'ERR_UNAVAILABLE', 'It cannot be found out now whether this is allowed', { cause });
  }
}

/** `undefined` for a verdict that allows nobody. */
function callerOf(verdict: unknown): Allowed | undefined {
  const { caller, signal } = Object(verdict) as { readonly caller?: unknown; readonly signal?: unknown };
  if (typeof caller !== 'string') return undefined;
  if (signal === undefined) return { caller };
  // With anything else, such as its controller, the tail would outlive what allowed it.
  return signal instanceof AbortSignal ? { caller, signal } : undefined;
}
