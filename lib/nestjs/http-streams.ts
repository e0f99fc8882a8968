import type {
  BeforeApplicationShutdown,
  CallHandler,
  ExecutionContext,
  NestInterceptor,
  OnModuleInit,
} from '@nestjs/common';
import type { HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { EMPTY, type Observable } from 'rxjs';
import { STREAM_OPENED, type AccountedRequest } from '../journal/stream-opened';

/** What Nest has on the methods that `@Sse()` decorates. */
const SSE_METADATA = '__sse__';

/**
 * Cuts the connections of an application's event streams before its HTTP server closes.
 *
 * The server waits for its connections, and a journal's tails end with the journal, which ends after the server. To clients it is a lost connection: they
 * come back, where an end would be final.
 */
export class HttpStreams implements NestInterceptor, OnModuleInit, BeforeApplicationShutdown {
  readonly #adapterHost: HttpAdapterHost;
  readonly #open = new Set<ServerResponse>();
  #isOver = false;

  constructor(adapterHost: HttpAdapterHost, modules: ModulesContainer) {
    this.#adapterHost = adapterHost;
    // Shut down last, so that clients which come back find no server, and have what was written in the hooks of others.
    for (const module of modules.values()) if (module.hasProvider(HttpStreams)) module.distance = Infinity;
  }

  /** Before any handler sees a request, it has {@link STREAM_OPENED}. Not so where there is no HTTP server. */
  onModuleInit(): void {
    const { httpAdapter } = this.#adapterHost as Partial<HttpAdapterHost>;
    const server = httpAdapter?.getHttpServer() as Server | undefined;
    server?.prependListener('request', this.#tag);
  }

  readonly #tag = (request: IncomingMessage & AccountedRequest, response: ServerResponse): void => {
    request[STREAM_OPENED] = () => this.#opened(response);
  };

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    if (Reflect.getMetadata(SSE_METADATA, context.getHandler()) !== true) return next.handle();
    const request = context.switchToHttp().getRequest<AccountedRequest & { readonly raw?: AccountedRequest }>();
    (request.raw ?? request)[STREAM_OPENED]?.();
    return this.#isOver ? EMPTY : next.handle();
  }

  #opened(response: ServerResponse): void {
    if (this.#isOver) {
      response.destroy();
      return;
    }
    this.#open.add(response);
    response.once('close', () => this.#open.delete(response));
  }

  beforeApplicationShutdown(): void {
    this.#isOver = true;
    for (const response of this.#open) response.destroy();
  }
}
