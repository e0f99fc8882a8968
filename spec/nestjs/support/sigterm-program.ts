import { Injectable, Logger, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { JournalClosedError, type Journals, type Scrivener } from 'rx-scrivener';
import { getJournalsToken, getScrivenerToken, InjectScrivener, ScrivenerModule } from 'rx-scrivener/nestjs';

const [kind = '', path = '', exit] = process.argv.slice(2);

/** Writes without end, and in its hooks; says what was written once it was. */
@Injectable()
class Writer {
  constructor(@InjectScrivener() private readonly scrivener: Scrivener<string>) {}

  onApplicationBootstrap() {
    void this.#writeOn();
  }

  onModuleDestroy = () => this.#write('onModuleDestroy');
  beforeApplicationShutdown = () => this.#write('beforeApplicationShutdown');
  onApplicationShutdown = (signal: string) => this.#write(`onApplicationShutdown ${signal}`);

  async #writeOn() {
    try {
      for (let n = 1; ; n++) {
        await this.#report(`entry ${n}`);
        if (n % 20 === 0) await sleep(1);
      }
    } catch (error) {
      if (!(error instanceof JournalClosedError)) throw error;
    }
  }

  async #write(text: string) {
    await this.#report(text);
    await sleep(20);
    await this.#report(`${text}, later`);
  }

  async #report(text: string) {
    await this.scrivener.write(text);
    writeSync(1, `${text}\n`);
  }
}

// By count alone, and not by this one: only the end of the application brings the entries to the file.
const never = { flushIntervalMs: Infinity, flushThreshold: 1_000_000 };
const file = { imports: [ScrivenerModule.forFile({ filePath: path, ...never })], providers: [Writer] };
const ofFolder = {
  provide: getScrivenerToken(),
  inject: [getJournalsToken()],
  useFactory: (journals: Journals<string>) => journals.journal('ann'),
};
const folder = { imports: [ScrivenerModule.forFolder({ folder: path, ...never })], providers: [Writer, ofFolder] };

@Module(kind === 'file' ? file : folder)
class AppModule {}

Logger.overrideLogger(false);
const app = await NestFactory.createApplicationContext(AppModule);
app.enableShutdownHooks([], { useProcessExit: exit === 'exit' });
setInterval(() => {}, 1_000_000); // as a server would keep the process
