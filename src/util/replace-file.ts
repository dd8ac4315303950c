import { randomUUID } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Replaces a file, readable by its owner only (mode 0600): writes another one, flushes it to disk, renames it, and flushes the folder. After
 * a crash or with a full disk, the file is the old one or the new one. A crash can leave `{file}.{UUID}.new` behind.
 */
export async function replaceFile(file: string, text: string): Promise<void> {
  const next = `${file}.${randomUUID()}.new`
  try {
    const handle = await open(next, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(next, file)
    await syncFolder(dirname(file))
  } catch (error) {
    await rm(next, { force: true }).catch(() => {})
    throw error
  }
}

/** Flushes the folder, so that the rename survives a crash. Windows does not need it and has no API for it. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
