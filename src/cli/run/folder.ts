import { realpath, stat } from 'node:fs/promises'
import { failureOf, UsageError } from '../failure.js'
import { FolderHandler, type FolderOptions } from '../folder/handler.js'
import { checkedByLibrary } from '../services.js'
import { httpService } from './http-service.js'
import type { StartService } from './service.js'

/** How a folder is served. */
export interface FolderSettings extends FolderOptions {
  readonly allow: readonly string[] | 'public'
  readonly service: string | undefined
}

/** Serves a folder over HTTP. */
export function servingFolder(path: string, settings: FolderSettings): StartService {
  return async (endpoint, signal) => {
    const folder = new FolderHandler(await folderAt(path), settings)
    const { allow, service } = settings
    return await checkedByLibrary(
      httpService(endpoint, folder.handle, { address: path, allow, service, signal, active: () => folder.requests })
    )
  }
}

async function folderAt(path: string): Promise<string> {
  try {
    const real = await realpath(path)
    if ((await stat(real)).isDirectory()) return real
  } catch (error) {
    throw new UsageError(`cannot read the folder '${path}': ${failureOf(error).details.systemCode}`)
  }
  throw new UsageError(`'${path}' is no folder`)
}
