import { httpName, httpService, type ServiceKind, type StartService } from '../../rig/services/index.js'

/** How a folder is served. */
export interface FolderSettings {
  readonly allow: readonly string[] | 'public'
  readonly service: string | undefined
  /** Serve names that begin with a dot. */
  readonly hasHidden: boolean
  /** List folders without an index.html. */
  readonly hasListing: boolean
}

/** Serves a folder, as a kind of service. */
export const folderKind: ServiceKind = {
  name: 'folder',
  keys: ['folder', 'hidden', 'listing', 'service', 'allow', 'public'],
  plan(settings) {
    const [{ allow, who }, service] = [settings.access(), settings.text('service')]
    settings.requiredText('folder')
    const [hasHidden, hasListing] = [settings.flag('hidden', false), settings.flag('listing', true)]
    const start = servingFolder(settings.path('folder') ?? '', { allow, service, hasHidden, hasListing })
    return { start, who, protocols: ['Http'], service, unique: httpName(service) }
  }
}

/** Serves a folder over HTTP. */
export function servingFolder(path: string, settings: FolderSettings): StartService {
  return async (endpoint, signal) => {
    const { folderHandler } = await import('../../router/index.js')
    const { allow, service, hasHidden: hidden, hasListing: listing } = settings
    const folder = await folderHandler(path, { hidden, listing })
    return await httpService(endpoint, folder, {
      address: path,
      allow,
      service,
      signal,
      active: () => folder.requests
    })
  }
}
