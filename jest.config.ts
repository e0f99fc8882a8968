/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';

const config: Config = {
  testEnvironment: 'node',
  // Jest leaves a core idle unless it is told not to, which is half of a small machine.
  maxWorkers: '100%',
  // Twenty times what the longest takes by itself: a busy machine is no failure.
  testTimeout: 30_000,
  testMatch: ['<rootDir>/spec/**/*.spec.ts'],
  // The specs run against the sources under the names that users import.
  moduleNameMapper: {
    '^rx-scrivener$': '<rootDir>/lib/index.ts',
    '^rx-scrivener/([^/]+)$': '<rootDir>/lib/$1/index.ts',
  },
  // Jest cannot `require` ES modules, and Nest and the Observable polyfill are made of them.
  transformIgnorePatterns: ['/node_modules/(?!@(nestjs|rxjs)/)'],
  transform: {
    '/node_modules/@(nestjs|rxjs)/.+\\.js$': '<rootDir>/spec/es-module-transformer.mjs',
    // Transpiles only; `npm test` type-checks everything first. Jest runs CommonJS, hence the options of its own.
    '\\.ts$': [
      'ts-jest',
      {
        tsconfig: {
          target: 'ES2022',
          useDefineForClassFields: false,
          module: 'CommonJS',
          esModuleInterop: true,
          isolatedModules: true,
          experimentalDecorators: true,
        },
      },
    ],
  },
};

export default config;
