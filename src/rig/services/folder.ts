import { httpService } from './http-service.js'
import type { StartService } from './service.js'

/** Settings of a served folder. */
export interface FolderSettings {
  readonly allow: readonly string[] | 'public'
  readonly service: string | undefined
  /** Serve names that begin with a dot. */
  readonly hasHidden: boolean
  /** List folders without an index.html. */
  readonly hasListing: boolean
}

/** Serves a folder over HTTP. */
export function servingFolder(path: string, settings: FolderSettings): StartService {
  return async (endpoint, signal) => {
    const { folderHandler } = await import('../../router/folder/folder-handler.js')
    const { allow, service, hasHidden: hidden, hasListing: listing } = settings
    const folder = await folderHandler(path, { hidden, listing })
    return await httpService(endpoint, folder, { address: path, allow, service, signal })
  }
}
