import { existsSync } from 'node:fs'
import { FastnNetError } from '../../errors.js'

/** A row of a table. */
export type Row = Readonly<Record<string, unknown>>

/** The part of `node:sqlite` that this module uses. Older versions of Node.js lack it. */
interface Sqlite {
  DatabaseSync: new (
    path: string,
    options: { readOnly: boolean }
  ) => { prepare(sql: string): { all(): Row[] }; close(): void }
}

/** Loads `node:sqlite`; `undefined` if the runtime lacks it. */
export async function sqlite(): Promise<Sqlite | undefined> {
  // Not a literal: the types of Node.js 20 lack it.
  const name = 'node:sqlite'
  try {
    return (await import(name)) as Sqlite
  } catch {
    return undefined
  }
}

/** Rows of a table in a database of the original; none if the database is missing. */
export function rowsOf({ DatabaseSync }: Sqlite, file: string, table: string, columns: readonly string[]): Row[] {
  if (!existsSync(file)) return []
  try {
    const database = new DatabaseSync(file, { readOnly: true })
    try {
      return database.prepare(`SELECT ${columns.join(', ')} FROM ${table}`).all()
    } finally {
      database.close()
    }
  } catch (error) {
    const { message } = error as Error
    throw new FastnNetError('ERR_FILE', `cannot read '${file}': ${message}`, { phase: 'import', cause: error })
  }
}

/** The documents of a database of the original, by path. It also stores each as plain JSON; documents that are not JSON are skipped. */
export function documentsOf(database: Sqlite, file: string): ReadonlyMap<string, Row> {
  const found = new Map<string, Row>()
  for (const { path, json_data: json } of rowsOf(database, file, 'fastn_documents', ['path', 'json_data'])) {
    try {
      const value: unknown = JSON.parse(String(json))
      if (typeof value === 'object' && value !== null) found.set(String(path), value as Row)
    } catch {}
  }
  return found
}
