import { lstat, readdir, readFile } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { loadMail } from '../mail.js'
import { rowsOf, type sqlite } from './documents.js'

/** Longer files are skipped. */
const maxBytes = 67_108_864
/** Folders below a mailbox: year, month, day. */
const maxDepth = 4

/** Result of importing the mail of an account. */
export interface ImportedMail {
  readonly mails: number
  /** Imported before. */
  readonly duplicates: number
  /** Paths of skipped files, with reasons. */
  readonly problems: readonly string[]
}

const flagNames: Readonly<Record<string, string>> = {
  is_seen: '\\Seen',
  is_flagged: '\\Flagged',
  is_draft: '\\Draft',
  is_answered: '\\Answered',
  is_deleted: '\\Deleted'
}

/** Imports the mails of an account of the original, with flags if `database` exists. Skips mails that were imported before. */
export async function importMails(
  account: string,
  folder: string,
  database: Awaited<ReturnType<typeof sqlite>>
): Promise<ImportedMail> {
  const root = join(account, 'mails', 'default')
  const files = await filesOf(root, maxDepth + 1)
  if (files.length === 0) return { mails: 0, duplicates: 0, problems: [] }
  const flags = database === undefined ? new Map() : flagsOf(database, account)
  const store = await (await loadMail()).openMailStore({ folder })
  const [problems, counts] = [[] as string[], { mails: 0, duplicates: 0 }]
  try {
    for (const file of files) {
      const [mailbox = 'INBOX'] = relative(root, file).split(sep)
      const { size, mtime } = await lstat(file)
      const known = flags.get(basename(file))
      try {
        if (size > maxBytes) throw new Error(`it is longer than ${maxBytes} bytes`)
        const { duplicate } = await store.deliver({
          id: `import-${basename(file, '.eml').replace(/[^\w.-]/g, '_')}`,
          mailbox,
          content: await readFile(file),
          flags: known?.flags ?? [],
          receivedAt: known?.receivedAt ?? mtime
        })
        if (duplicate) counts.duplicates++
        else counts.mails++
      } catch (error) {
        const { code, message } = error as NodeJS.ErrnoException
        // The error affects all mails.
        if (code === 'ERR_QUOTA' || code === 'ERR_STORAGE') throw error
        problems.push(`${file}: ${message}`)
      }
    }
  } finally {
    store.close()
  }
  return { ...counts, problems }
}

/** Files of mails. Does not follow links. */
async function filesOf(folder: string, depth: number): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const found: string[] = []
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name)
    if (entry.isFile() && entry.name.endsWith('.eml')) found.push(path)
    if (entry.isDirectory() && depth > 1) found.push(...(await filesOf(path, depth - 1)))
  }
  return found
}

/** Flags and dates by the name of the file. */
function flagsOf(
  database: NonNullable<Awaited<ReturnType<typeof sqlite>>>,
  account: string
): Map<string, { flags: string[]; receivedAt: Date | undefined }> {
  const columns = ['file_path', 'date_received', ...Object.keys(flagNames)]
  const rows = rowsOf(database, join(account, 'mail.sqlite'), 'fastn_emails', columns)
  return new Map(
    rows.map(row => {
      const flags = Object.entries(flagNames).flatMap(([column, flag]) => (Number(row[column]) === 1 ? [flag] : []))
      const seconds = Number(row.date_received)
      const receivedAt = seconds > 0 ? new Date(seconds * 1000) : undefined
      return [basename(String(row.file_path)), { flags, receivedAt }]
    })
  )
}
