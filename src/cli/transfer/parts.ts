import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { absent, onDisk } from './disk.js'
import { isPart } from './names.js'

/** The file of an unfinished transfer. */
export interface Part {
  /** Id of the transfer. */
  readonly owner: string
  readonly index: number
  readonly path: string
  readonly size: number
  readonly time: number
}

/** Name of the partial file of an entry. */
export function partName(id: string, index: number): string {
  return `.fastn-net-${id}-${index}.part`
}

/** The files of all unfinished transfers of a folder. */
export async function partsIn(folder: string): Promise<Part[]> {
  const parts: Part[] = []
  for (const name of await onDisk('read the folder', readdir(folder))) {
    if (!isPart(name)) continue
    const path = join(folder, name)
    const found = await lstat(path).catch(absent)
    const [, owner = '', index = ''] = /^\.fastn-net-([0-9a-f]+)-(\d+)\./.exec(name) ?? []
    if (found?.isFile()) parts.push({ owner, index: Number(index), path, size: found.size, time: found.mtimeMs })
  }
  return parts
}

/** The files of other, inactive transfers, latest first. */
export function othersOf(parts: readonly Part[], id: string, isActive: (id: string) => boolean): Part[] {
  return parts.filter(({ owner }) => owner !== id && !isActive(owner)).sort((a, b) => b.time - a.time)
}
