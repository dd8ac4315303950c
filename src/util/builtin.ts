interface Builtins {
  'node:fs': typeof import('node:fs')
  'node:module': typeof import('node:module')
  'node:os': typeof import('node:os')
  'node:path': typeof import('node:path')
  'node:url': typeof import('node:url')
  'node:util': typeof import('node:util')
}

/**
 * A module of Node that few programs need, loaded by its first use. An `import` of it would cost every import of this package between 0.3
 * and 1 ms.
 */
export function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] {
  return process.getBuiltinModule(name)
}
