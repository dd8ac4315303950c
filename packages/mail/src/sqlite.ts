import type * as Sqlite from 'node:sqlite'

/** `node:sqlite`. Not by an `import`, whose error on older versions would not say what to do. */
const sqlite = process.getBuiltinModule('node:sqlite') as typeof Sqlite | undefined
if (sqlite === undefined) {
  throw new Error(
    `fastn-mail needs node:sqlite: Node.js 22.13 or newer, Bun or Deno; this is Node.js ${process.versions.node}`
  )
}

/** A database. */
export const DatabaseSync: typeof Sqlite.DatabaseSync = sqlite.DatabaseSync
export type DatabaseSync = Sqlite.DatabaseSync
export type { SQLInputValue, StatementSync } from 'node:sqlite'
