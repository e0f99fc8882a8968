import { fileURLToPath } from 'node:url';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const lib = fileURLToPath(new URL('../../../lib', import.meta.url));
const server = 'http://localhost:4173';

export default defineConfig({
  plugins: [react()],
  resolve: {
    // The package is this checkout, whose viewer the page takes its list from: neither of the two is published.
    alias: [
      { find: /^rx-scrivener$/, replacement: `${lib}/index.ts` },
      { find: /^rx-scrivener\/(.+)$/, replacement: `${lib}/$1/index.ts` },
    ],
    // Its React is the page's.
    dedupe: ['react', 'react-dom'],
  },
  server: { proxy: { '/journal': server, '/live': server, '/conversation': server } },
});
