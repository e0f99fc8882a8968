import { Module, type INestApplicationContext, type ModuleMetadata, type Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

/** Starts applications; those that are left at the end of a test are closed. */
export function useNest(): (module: ModuleMetadata) => Promise<INestApplicationContext> {
  const applications = new Set<INestApplicationContext>();
  afterEach(async () => {
    // Closed again, their hooks may find the journal closed.
    await Promise.allSettled([...applications].map((application) => application.close()));
    applications.clear();
  });
  return async (metadata) => {
    const application = await startNest(metadata);
    applications.add(application);
    return application;
  };
}

/** Starts an application that says nothing, and rejects when it cannot start. */
export function startNest(metadata: ModuleMetadata): Promise<INestApplicationContext> {
  // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- Nest has a class for its options, and takes objects
  return NestFactory.createApplicationContext(moduleOf(metadata), { logger: false, abortOnError: false });
}

/** A module class of its own. */
export function moduleOf(metadata: ModuleMetadata): Type {
  @Module(metadata)
  class SomeModule {}
  return SomeModule;
}
