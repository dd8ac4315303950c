// Kept when the package is imported: a test that replaces the global clock later must not stop a call.
export const setImmediate: typeof globalThis.setImmediate = globalThis.setImmediate
export const setTimeout: typeof globalThis.setTimeout = globalThis.setTimeout
