import { FastnNetError } from '../errors.js'
import { keyOfFile } from '../keys/key-store.js'
import { SecretKey } from '../keys/secret-key.js'
import { native } from '../native/addon.js'
import { handleOf } from '../native/operations.js'
import { startWakeups } from '../native/wakeups.js'
import { loadLate } from '../util/late.js'
import { nearest } from '../util/nearest.js'
import { checkOptions, invalid, type OptionNames, throwIfAborted } from '../util/validate.js'
import { type Endpoint, endpointOf } from './endpoint.js'
import { resolveGraceful } from './graceful.js'
import { endpoints } from './loaded.js'
import { type EndpointOptions, endpointNames, resolveOptions } from './options.js'

/**
 * Creates an endpoint: binds its sockets, and dials and accepts peers under this key. Peers can connect once something listens.
 *
 * An endpoint belongs to the thread that created it. It keeps the process alive only while it listens or a call is pending. If it is
 * still open when the event loop is empty, it closes, within 3 s.
 *
 * @throws {FastnNetError} `ERR_SECRET_KEY`. `ERR_INVALID_ARGUMENT` for an option, which the message names. `ERR_BIND` if no socket can
 * be bound. `ERR_SHUTTING_DOWN` if `options.graceful` is shutting down. `ERR_NATIVE` if there is no addon for this platform.
 *
 * @example
 * await using endpoint = await getEndpoint(SecretKey.generate())
 * await using stream = await endpoint.getStream(peer, 'Echo')
 */
export async function getEndpoint(secretKey: SecretKey, options: EndpointOptions = {}): Promise<Endpoint> {
  if (!(secretKey instanceof SecretKey)) {
    throw new FastnNetError(
      'ERR_SECRET_KEY',
      'secretKey must be a SecretKey; use SecretKey.generate() or SecretKey.from()'
    )
  }
  return await bind(() => secretKey, options)
}

/** Options of {@link createEndpoint}. */
export interface CreateEndpointOptions extends EndpointOptions {
  /**
   * Key of the endpoint. Its ID52 lasts as long as the key.
   *
   * - `'ephemeral'`: a new key, which is stored nowhere
   * - a path, such as `'server.key'`: the key in this file. Relative to the current folder. A missing file is created with a new key,
   *   in a folder that exists. It holds the key as hex, is readable by its owner only (mode 0600), and appears whole or not at all
   * - a {@link SecretKey}: `SecretKey.from(hex)` for a secret that the program stores itself
   *
   * A string that looks like a key, a ticket or a mistyped `'ephemeral'` is an error. `'./name'` is always a path.
   *
   * Default: `'ephemeral'`.
   */
  key?: 'ephemeral' | (string & Record<never, never>) | SecretKey | undefined
}

const createNames: OptionNames<CreateEndpointOptions> = { ...endpointNames, key: true }

/**
 * Creates this program's endpoint: binds its sockets, so that it can dial peers and listen to them. Makes or loads its key; otherwise like
 * {@link getEndpoint}. Programs that start at the same time with the same path get the same key.
 *
 * @throws {FastnNetError} The errors of {@link getEndpoint}. `ERR_KEY_STORE` if the key file holds no key or cannot be written,
 * or its folder does not exist.
 *
 * @example
 * const endpoint = await createEndpoint({ key: 'server.key', graceful: true })
 * endpoint.listen({ Echo: stream => stream.finish('hello\n') })
 * console.log(await endpoint.ticket())
 */
export async function createEndpoint(options: CreateEndpointOptions = {}): Promise<Endpoint> {
  checkOptions(options, createNames)
  const { key = 'ephemeral', ...others } = options
  checkKey(key)
  return await bind(() => secretKeyOf(key), others)
}

function checkKey(key: unknown): void {
  if (key instanceof SecretKey || key === 'ephemeral') return
  if (typeof key !== 'string' || key.trim() === '' || key.includes('\0'))
    throw invalid('options.key', "'ephemeral', the path of a key file, or a SecretKey")
  // Else the secret would become a file's name.
  if (secretText.test(key)) throw invalid('options.key', 'a path: for a secret, write SecretKey.from(hexOrBytes)')
  if (publicText.test(key)) {
    const advice = 'give the path of a key file, or the secret as SecretKey.from(hexOrBytes)'
    throw invalid('options.key', `a path, not an ID52 or a ticket, which are public: ${advice}`)
  }
  // A path has a separator or an extension.
  const word = key.trim()
  if (!/[./\\:]/.test(word) && nearest(word, ['ephemeral']) !== undefined) {
    const advice = `did you mean 'ephemeral'? For a file of this name, write './${word}'`
    throw invalid('options.key', `'ephemeral', the path of a key file, or a SecretKey: ${advice}`)
  }
}

/** 32 bytes as hex or base64, as programs store a secret. A public key in hex looks the same. */
const secretText = /^\s*(?:[\da-f]{64}|[\w+/-]{43}=?)\s*$/i

/** An ID52, z-base-32 or a ticket. */
const publicText = /^\s*(?:[\da-z]{52}|endpoint[\da-z]{45,})\s*$/i

function secretKeyOf(key: string | SecretKey): SecretKey {
  if (typeof key !== 'string') return key
  return key === 'ephemeral' ? SecretKey.generate() : keyOfFile(key)
}

/** `loadKey` runs once all options are known to be valid. */
async function bind(loadKey: () => SecretKey, options: EndpointOptions): Promise<Endpoint> {
  const resolved = resolveOptions(options)
  const { signal } = options
  throwIfAborted(signal)
  const gracefulOf = resolveGraceful(options.graceful)
  const secretKey = loadKey()
  startWakeups()
  const binding = native().endpointBind(secretKey.toBytes(), resolved.binding)
  // Not cancelled by the signal: once this rejects, the port must be free to bind again.
  const [handle] = await Promise.all([handleOf(binding, { phase: 'bind' }), loadLate()])
  return endpointOf(await endpoints().boundEndpoint(handle, secretKey, resolved, options, gracefulOf))
}
