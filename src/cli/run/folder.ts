import { realpath, stat } from 'node:fs/promises'
import { FastnNetError } from '../../index.js'
import { httpName, httpService, type ServiceKind, type StartService } from '../../rig/services/index.js'
import { FolderHandler, type FolderOptions } from '../folder/handler.js'

/** How a folder is served. */
export interface FolderSettings extends FolderOptions {
  readonly allow: readonly string[] | 'public'
  readonly service: string | undefined
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
    const folder = new FolderHandler(await folderAt(path), settings)
    const { allow, service } = settings
    return await httpService(endpoint, folder.handle, {
      address: path,
      allow,
      service,
      signal,
      active: () => folder.requests
    })
  }
}

async function folderAt(path: string): Promise<string> {
  let why = ''
  try {
    const real = await realpath(path)
    if ((await stat(real)).isDirectory()) return real
  } catch (error) {
    why = `: ${(error as NodeJS.ErrnoException).code}`
  }
  const message = why === '' ? `'${path}' is no folder` : `cannot read the folder '${path}'${why}`
  throw new FastnNetError('ERR_INVALID_ARGUMENT', message)
}
