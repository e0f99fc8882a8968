import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import type { ModulesContainer } from '@nestjs/core';
import { ContractDaemon } from '../daemon/contract-daemon';

/**
 * Starts a journal's flusher before the application's own providers are initialized, and ends the journal after the last of them was notified
 * that the application shuts down.
 */
export class JournalLifecycle implements OnModuleInit, OnApplicationShutdown {
  #close: (() => Promise<void>) | undefined;
  #flusher: ContractDaemon | undefined;

  constructor(modules: ModulesContainer) {
    // Nest initializes modules by descending distance and shuts them down the other way round. A global module is as far as a number can
    // be; among those the one that imports another would be shut down after it, and could write no more.
    for (const module of modules.values()) {
      if (module.hasProvider(JournalLifecycle)) module.distance = Infinity;
    }
  }

  /** Ends with the application what was opened for it. */
  opened(close: () => Promise<void>): void {
    this.#close = close;
  }

  /** Starts and ends a flusher with the application. */
  runs(flusher: unknown): void {
    if (flusher instanceof ContractDaemon) this.#flusher = flusher;
  }

  async onModuleInit(): Promise<void> {
    if (this.#flusher?.status === 'Stopped') await this.#flusher.start();
  }

  async onApplicationShutdown(): Promise<void> {
    try {
      await this.onModuleInit(); // an application that was never initialized may still have written
      await this.#close?.();
    } finally {
      await this.#flusher?.shutdown();
    }
  }
}
