import type { StandardSchemaV1 } from '@standard-schema/spec';
import { assertFunction, assertOptions, shown } from '../errors/assert-argument';

const OPTIONS = { key: true } as const;

/**
 * A Standard Schema for journals whose entries are instances of classes, distinguished by a member that each has. An entry that is read is an instance
 * again, so `instanceOf` works after recovery and over the wire. Constructors are not called.
 *
 * Refuses an entry whose member names no class, and an instance of a class other than the one it names.
 *
 * @param classes - each class by the value of the member
 * @param options - `key`: the member; default `type`
 * @throws TypeError for a value that is not a class, and for an invalid or unknown option
 * @example
 * ```ts
 * class Said { readonly type = 'Said'; constructor(readonly text: string) {} }
 * const scrivener = await openFileScrivener({ filePath: 'data/chat.ndjson', schema: classSchema({ Said }) });
 * ```
 */
export function classSchema<C extends Record<string, abstract new (...args: never[]) => object>>(
  classes: C,
  options: { readonly key?: string } = {},
): StandardSchemaV1<unknown, InstanceType<C[keyof C]>> {
  if (typeof classes !== 'object' || (classes as unknown) === null)
    throw new TypeError(`Expected \`classes\` to be an object, got ${shown(classes)}`);
  assertOptions('classSchema', options, OPTIONS);
  const { key = 'type' } = options;
  if (typeof (key as unknown) !== 'string') throw new TypeError(`Expected \`key\` to be a text, got ${shown(key)}`);
  const prototypes = new Map<unknown, object>();
  for (const [name, constructor] of Object.entries(classes)) {
    assertFunction(`classes.${name}`, constructor);
    prototypes.set(name, constructor.prototype as object);
  }
  const validate = (entry: unknown): StandardSchemaV1.Result<InstanceType<C[keyof C]>> => {
    if (typeof entry !== 'object' || entry === null) return refuse(`Expected an object, got ${shown(entry)}`);
    const name = (entry as Readonly<Record<string, unknown>>)[key];
    const prototype = prototypes.get(name);
    if (!prototype) {
      return refuse(`Expected one of ${[...prototypes.keys()].join(', ')}, got ${shown(name)}`, [key]);
    }
    const own = Object.getPrototypeOf(entry) as object | null;
    if (own === prototype) return { value: entry as InstanceType<C[keyof C]> };
    if (!isRoot(own)) return refuse(`Expected an instance of the class for ${shown(name)}, got one of another class`);
    // Defined, not assigned: a member called `__proto__` stays a member, and no setter is called.
    const value = Object.create(prototype, Object.getOwnPropertyDescriptors(entry)) as InstanceType<C[keyof C]>;
    return { value };
  };
  return { '~standard': { version: 1, vendor: 'rx-scrivener', validate } };
}

/** Whether it is the prototype of plain objects, of any realm. */
function isRoot(prototype: object | null): boolean {
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function refuse(message: string, path?: PropertyKey[]): StandardSchemaV1.FailureResult {
  return { issues: [{ message, path }] };
}
