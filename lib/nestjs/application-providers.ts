import { Inject, type InjectionToken } from '@nestjs/common';
import { ModuleRef, type ModulesContainer } from '@nestjs/core';
import { JournalLifecycle } from './journal-lifecycle';

type NestModule = ModulesContainer extends Map<string, infer M> ? M : never;
type Provider = ReturnType<NestModule['getProviderByKey']>;

const CYCLE_CHECK_MS = 50;

/**
 * What the application itself provides under a journal's tokens, in any of its modules.
 *
 * Nest would look only into the journal's own module, where the default is, and into those that are imported there.
 */
export class ApplicationProviders {
  readonly #modules: ModulesContainer;

  constructor(modules: ModulesContainer) {
    this.#modules = modules;
  }

  /** Whether the application provides anything under a token. */
  has(token: InjectionToken): boolean {
    return this.#hosts(token, { ofJournal: false }).length > 0;
  }

  /** What the application provides under a token, once it is made; `undefined` when it provides nothing, or that. */
  async find<V>(token: string): Promise<V | undefined> {
    const [own, secondOwn] = this.#hosts(token, { ofJournal: true });
    if (secondOwn) throw new Error(`Expected journals to have names of their own, got two for ${token}`);
    const [host, ...others] = this.#hosts(token, { ofJournal: false });
    if (host === undefined) return undefined;
    if (others.length > 0) {
      const names = [host, ...others].map(({ name }) => name).join(' and ');
      throw new Error(`Expected one provider of ${token}, got those of ${names}`);
    }
    const provider = own!.getProviderByKey<V>(token);
    const provided = await unlessCircular(host.getProviderByKey(token), provider, receive<V>(host, token));
    // What Nest has in place of an instance that could not be made; the application gets the error itself.
    if (provided === null) throw new Error(`Expected a provider of ${token} to be made, got null`);
    // Nest calls the lifecycle hooks of an instance for each provider that has it, but for aliases; `inject` would be what it is an alias of.
    if (provided !== undefined) Object.assign(provider, { isAlias: true, inject: [] });
    return provided;
  }

  #hosts(token: InjectionToken, { ofJournal }: { ofJournal: boolean }): NestModule[] {
    return [...this.#modules.values()].filter(
      (module) => module.hasProvider(token) && module.hasProvider(JournalLifecycle) === ofJournal,
    );
  }
}

/** Gets what a module has under a token, as a class of that module would. */
async function receive<V>(host: NestModule, token: string): Promise<V> {
  class Receiver {
    constructor(readonly provided: V) {}
  }
  Inject(token)(Receiver, undefined, 0);
  const moduleRef = host.getProviderByKey<ModuleRef>(ModuleRef).instance;
  const { provided } = await moduleRef.create<Receiver>(Receiver);
  return provided;
}

/** Nest does not see a cycle that goes through here, and would wait for ever. */
async function unlessCircular<V>(from: Provider, to: Provider, provided: Promise<V>): Promise<V> {
  let timer;
  const circular = new Promise<never>((_, reject) => {
    timer = setInterval(() => {
      if (from.introspectDepsAttribute((dependencies, seen) => depends(dependencies, to, seen))) {
        reject(new Error(`Expected what is provided under ${String(to.token)} not to need the journal that needs it`));
      }
    }, CYCLE_CHECK_MS);
  });
  try {
    return await Promise.race([provided, circular]);
  } finally {
    clearInterval(timer);
  }
}

function depends(dependencies: readonly Provider[], on: Provider, seen: string[]): boolean {
  return dependencies.some(
    (dependency) =>
      dependency === on || dependency.introspectDepsAttribute((further, path) => depends(further, on, path), seen),
  );
}
