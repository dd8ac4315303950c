import { realpath, stat } from 'node:fs/promises'
import { FastnNetError } from '../../errors.js'
import { checkOptions, type OptionNames, optional, text } from '../../util/validate.js'
import { FolderHandler } from './handler.js'

/** Options of {@link folderHandler}. */
export interface FolderOptions {
  /** List folders without an `index.html`. Default: false. */
  listing?: boolean | undefined
  /** Serve names that begin with a dot. Default: false. */
  hidden?: boolean | undefined
}

/** Serves the files of a folder. A handler for a router and for `endpoint.serveHttp`. */
export interface ServedFolder {
  (request: Request, context: { readonly peer?: string | undefined }): Promise<Response>
  /** Requests in progress. */
  readonly requests: number
  /** Aborts files in progress: their bodies fail with the reason. */
  cut(reason: Error): void
}

const names: OptionNames<FolderOptions> = { listing: true, hidden: true }

/**
 * Creates a handler that serves the files of a folder.
 *
 * - GET and HEAD. A folder URL returns `index.html`, else with `listing` a listing, else status 404.
 * - `ETag`, `Last-Modified` and conditional requests; one range of bytes.
 * - Follows no links, and serves nothing outside the folder, even if files are renamed meanwhile.
 * - At most 512 concurrent requests, 64 per peer: others get status 503.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`, also if the folder does not exist.
 *
 * @example
 * endpoint.serveHttp(await folderHandler('site'))
 */
export async function folderHandler(path: string, options: FolderOptions = {}): Promise<ServedFolder> {
  const { listing, hidden } = checkOptions(options, names)
  const settings = {
    hasListing: optional('boolean', listing, 'options.listing') === true,
    hasHidden: optional('boolean', hidden, 'options.hidden') === true
  }
  const folder = new FolderHandler(await folderAt(text(path, 'path')), settings)
  const serve = (request: Request, { peer }: { readonly peer?: string | undefined } = {}) =>
    folder.handle(request, peer)
  const cut = (reason: Error) => folder.cut(reason)
  return Object.defineProperties(serve, {
    requests: { get: () => folder.requests },
    cut: { value: cut }
  }) as typeof serve & ServedFolder
}

async function folderAt(path: string): Promise<string> {
  let real: string
  try {
    real = await realpath(path)
    if ((await stat(real)).isDirectory()) return real
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new FastnNetError('ERR_INVALID_ARGUMENT', `cannot read the folder '${path}': ${code}`, { cause })
  }
  throw new FastnNetError('ERR_INVALID_ARGUMENT', `'${path}' is no folder`)
}
