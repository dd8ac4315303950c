import { extname } from 'node:path'
import { lookup } from 'mrmime'
import { precondition, rangeOf } from './conditions.js'
import { entriesOf, kindOf, namesOf, type OpenFile, openFile } from './entries.js'
import { FileBodies } from './file-body.js'
import { listingPage, listingPolicy } from './listing.js'
import { type Place, Places } from './places.js'

/** Settings of a served folder. */
export interface FolderSettings {
  /** Serve names that begin with a dot. */
  readonly hasHidden: boolean
  /** List folders without an index.html. */
  readonly hasListing: boolean
}

/** Headers of every response. Browsers revalidate cached copies with the ETag. */
const common = { 'x-content-type-options': 'nosniff', 'cache-control': 'no-cache' }

/** Serves the files below a folder. Does not follow links. */
export class FolderHandler {
  readonly #root: string
  readonly #options: FolderSettings
  readonly #places = new Places()
  readonly #bodies = new FileBodies()

  /** `root`: a real path. */
  constructor(root: string, options: FolderSettings) {
    this.#root = root
    this.#options = options
  }

  /** Requests in progress. */
  get requests(): number {
    return this.#places.taken
  }

  /** Aborts files in progress. */
  cut(reason: Error): void {
    this.#bodies.cut(reason)
  }

  /** Answers a request. */
  readonly handle = async (request: Request, peer: string | undefined): Promise<Response> => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      return answer(405, 'only GET and HEAD', { allow: 'GET, HEAD' })
    }
    const place = this.#places.take(peer)
    if (place === undefined) return answer(503, 'too many requests at once', { 'retry-after': '1' })
    try {
      return await this.#answer(request, place)
    } finally {
      if (!place.isKept) place.leave()
    }
  }

  async #answer(request: Request, place: Place): Promise<Response> {
    const { pathname, search } = new URL(request.url)
    const names = namesOf(pathname, this.#options.hasHidden)
    const kind = names === undefined ? 'nothing' : await kindOf(this.#root, names)
    if (names === undefined || kind === 'nothing') return notFound()
    if (kind === 'file') {
      // Not a folder.
      return pathname.endsWith('/') ? notFound() : await this.#file(request, names, place)
    }
    if (!pathname.endsWith('/')) {
      const location = `/${names.map(name => `${encodeURIComponent(name)}/`).join('')}${search}`
      return answer(308, 'add a slash to the path of a folder', { location })
    }
    const index = [...names, 'index.html']
    if ((await kindOf(this.#root, index)) === 'file') return await this.#file(request, index, place)
    return this.#options.hasListing ? await this.#listing(names) : notFound()
  }

  async #listing(names: readonly string[]): Promise<Response> {
    const found = await entriesOf(this.#root, names, this.#options.hasHidden)
    if (found === undefined) return notFound()
    const headers = { 'content-type': 'text/html; charset=utf-8', 'content-security-policy': listingPolicy }
    return new Response(listingPage(names, found.entries, found.isCut), { headers: { ...common, ...headers } })
  }

  async #file(request: Request, names: readonly string[], place: Place): Promise<Response> {
    const file = await openFile(this.#root, names)
    if (file === undefined) return notFound()
    try {
      return fileResponse(request, file, names.at(-1) ?? '', (start, end) => {
        place.isKept = true
        return this.#bodies.body(file.handle, start, end, () => place.leave())
      })
    } finally {
      if (!place.isKept) await file.handle.close()
    }
  }
}

/** A response with a file. `bodyOf` creates the body of a range that is not empty. */
function fileResponse(
  request: Request,
  { size, changed }: OpenFile,
  name: string,
  bodyOf: (start: number, end: number) => ReadableStream<Uint8Array<ArrayBuffer>>
): Response {
  const seconds = Number(changed / 1_000_000_000n)
  const etag = `"${size.toString(36)}-${changed.toString(36)}"`
  const headers: Record<string, string> = {
    ...common,
    etag,
    'last-modified': new Date(seconds * 1000).toUTCString(),
    'accept-ranges': 'bytes'
  }
  const validators = { etag, changed: seconds }
  const status = precondition(request.headers, validators)
  if (status !== undefined) return new Response(null, { status, headers })
  headers['content-type'] = typeOf(name)
  if (request.method === 'HEAD') return new Response(null, { headers: { ...headers, 'content-length': `${size}` } })
  const range = rangeOf(request.headers, size, validators)
  if (range === 'none') return answer(416, 'the file has no such part', { 'content-range': `bytes */${size}` })
  const { start, end } = range ?? { start: 0, end: size }
  if (range !== undefined) headers['content-range'] = `bytes ${start}-${end - 1}/${size}`
  headers['content-length'] = `${end - start}`
  const body = start === end ? null : bodyOf(start, end)
  return new Response(body, { status: range === undefined ? 200 : 206, headers })
}

function typeOf(name: string): string {
  const type = lookup(extname(name)) ?? 'application/octet-stream'
  return /^text\/|^application\/(?:json|javascript|xml)$/.test(type) ? `${type}; charset=utf-8` : type
}

function notFound(): Response {
  return answer(404, 'not found')
}

function answer(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Response {
  const plain = { 'content-type': 'text/plain; charset=utf-8' }
  return new Response(`${text}\n`, { status, headers: { ...common, ...plain, ...headers } })
}
