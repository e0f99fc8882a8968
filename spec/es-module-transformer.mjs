import { transformSync } from 'esbuild';

/** Makes CommonJS of an ES module, for Jest. */
export default {
  process(source, path) {
    const { code } = transformSync(source, {
      format: 'cjs',
      platform: 'node',
      target: 'node20',
      supported: { 'dynamic-import': false },
      sourcefile: path,
      sourcemap: 'inline',
      logLevel: 'error',
    });
    return { code };
  },
};
