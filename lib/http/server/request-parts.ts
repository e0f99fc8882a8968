import type { Position } from '../../journal/position';
import { badRequest, Problem } from './problem';

/** The single value of a query parameter; `undefined` if it has none. */
export function single(query: URLSearchParams, name: string): string | undefined {
  const values = query.getAll(name);
  if (values.length > 1) throw badRequest(`\`${name}\` is given more than once`);
  return values[0];
}

/** Parses a position; throws a 400 that names it. */
export function parsePosition(name: string, text: string): Position {
  const position = Number(text);
  if (/^\d{1,16}$/.test(text) && Number.isSafeInteger(position)) return position;
  throw badRequest(`Expected \`${name}\` to be a safe integer >= 0`);
}

/** Throws a 406 unless the request takes an answer of that type. */
export function assertAccepts(request: Request, type: string): void {
  const accept = request.headers.get('Accept');
  if (accept === null) return;
  const [family = ''] = type.split('/');
  const isTaken = accept.split(',').some((range) => {
    const [name = ''] = range.split(';');
    return [type, `${family}/*`, '*/*'].includes(name.trim().toLowerCase());
  });
  if (!isTaken) throw new Problem(406, 'ERR_NOT_ACCEPTABLE', `The answer is ${type}`);
}

/** The media type of a request's body, without its parameters. */
export function contentType(request: Request): string {
  const [type = ''] = (request.headers.get('Content-Type') ?? '').split(';');
  return type.trim().toLowerCase();
}
