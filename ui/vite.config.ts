import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// `npm run dev` serves the sources and asks a running gateway for the data.
const gateway = process.env["STREAMGAUGE_URL"] ?? "http://127.0.0.1:4284";

export default defineConfig({
  plugins: [react()],
  server: { proxy: { "/api": gateway } },
  build: {
    outDir: "../src/streamgauge/ui",
    emptyOutDir: true,
    // The first versions with CSS light-dark(), which our colours are written in.
    target: ["chrome123", "firefox120", "safari17.5"],
    // The page's policy allows no data: URLs, so nothing is inlined as one.
    assetsInlineLimit: 0,
    // All styles come first, and are few: a view that is asked for again would come without its own.
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
  },
  test: { include: ["src/**/*.test.ts"] },
});
