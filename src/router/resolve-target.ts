import type { Endpoint } from '../endpoint/endpoint.js'
import { FastnNetError } from '../errors.js'
import { sizeOf } from '../http/options.js'
import { idOfOne, type Peer } from '../keys/peer.js'
import { defaults } from '../settings.js'
import { checkOptions, invalid, isPlain, type OptionNames, optional } from '../util/validate.js'
import { folderHandler } from './folder/folder-handler.js'
import type { RouterAccount, RouterOptions } from './options.js'
import type {
  BackendTarget,
  FetchApplication,
  FolderTarget,
  HandlerTarget,
  PeerTarget,
  RouterAllow,
  RouterHandler,
  RouterTarget,
  TargetOptions
} from './target.js'
import { Backend } from './targets/backend.js'
import { Handler } from './targets/handler.js'
import { PeerService } from './targets/peer.js'
import type { Target } from './targets/target.js'

/** A checked target with its access list. */
export interface Route {
  readonly target: Target
  /** Peers that may use it; `undefined`: none. A list contains ID52s and names. */
  readonly allow: 'public' | 'self' | readonly string[] | undefined
  readonly allowsCrossOrigin: boolean
}

/** Context of targets. */
export interface TargetContext {
  readonly endpoint: Endpoint
  readonly account: RouterAccount | undefined
  readonly onError: RouterOptions['onError']
}

const common: OptionNames<TargetOptions> = { allow: true, crossOrigin: true }
const handlerNames: OptionNames<HandlerTarget> = { ...common, handler: true, maxBodyBytes: true }
const folderNames: OptionNames<FolderTarget> = { ...common, folder: true, listing: true, hidden: true }
const backendNames: OptionNames<BackendTarget> = {
  ...common,
  backend: true,
  hostHeader: true,
  certificates: true,
  connectTimeout: true,
  responseTimeout: true
}
const peerNames: OptionNames<PeerTarget> = { ...common, peer: true, service: true }

/**
 * Checks a target. `path` names it in errors.
 *
 * @throws {FastnNetError} `ERR_INVALID_ARGUMENT`. `ERR_PEER_ADDRESS`.
 */
export async function resolveTarget(given: RouterTarget, path: string, context: TargetContext): Promise<Route> {
  const handler = handlerOf(given)
  if (handler !== undefined)
    return { target: handlerTarget(handler, undefined, path, context), allow: undefined, allowsCrossOrigin: false }
  if (!isPlainObject(given)) throw notATarget(path)
  const target = await targetOf(given as Exclude<RouterTarget, RouterHandler | FetchApplication>, path, context)
  const { allow, crossOrigin } = given as TargetOptions
  return {
    target,
    allow: allow === undefined ? undefined : allowed(allow, `${path}.allow`),
    allowsCrossOrigin: optional('boolean', crossOrigin, `${path}.crossOrigin`) === true
  }
}

function isPlainObject(given: unknown): boolean {
  return typeof given === 'object' && given !== null && isPlain(given)
}

async function targetOf(
  given: HandlerTarget | FolderTarget | BackendTarget | PeerTarget,
  path: string,
  context: TargetContext
): Promise<Target> {
  if ('handler' in given) {
    const { handler, maxBodyBytes } = checkOptions(given, handlerNames, path)
    const found = handlerOf(handler)
    if (found === undefined) throw invalid(`${path}.handler`, 'a function, or an object with fetch')
    return handlerTarget(found, maxBodyBytes, path, context)
  }
  if ('folder' in given) {
    const { folder, listing, hidden } = checkOptions(given, folderNames, path)
    optional('boolean', listing, `${path}.listing`)
    optional('boolean', hidden, `${path}.hidden`)
    if (typeof folder !== 'string') throw invalid(`${path}.folder`, 'a path')
    return new Handler(await folderHandler(folder, { listing, hidden }), {
      text: folder,
      maxBodyBytes: defaults.maxBodyBytes,
      onError: context.onError
    })
  }
  if ('backend' in given) return new Backend(checkOptions(given, backendNames, path), path)
  if ('peer' in given) {
    const { peer, service } = checkOptions(given, peerNames, path)
    const known = peerOf(peer, context.account, `${path}.peer`)
    return new PeerService(context.endpoint, known, idOfOne(known, `${path}.peer`), service ?? '')
  }
  throw notATarget(path)
}

function handlerOf(given: unknown): RouterHandler | undefined {
  if (typeof given === 'function') return given as RouterHandler
  if (typeof given !== 'object' || given === null || !('fetch' in given) || typeof given.fetch !== 'function')
    return undefined
  const application = given as FetchApplication
  return (request, context) => application.fetch(request, context)
}

function handlerTarget(
  handler: RouterHandler,
  maxBodyBytes: number | undefined,
  path: string,
  { onError }: TargetContext
): Handler {
  const limit = sizeOf(maxBodyBytes, `${path}.maxBodyBytes`.replace(/^options\./, ''), defaults.maxBodyBytes)
  return new Handler(handler, { text: 'handler', maxBodyBytes: limit, onError })
}

/** Resolves a peer or an alias. */
function peerOf(peer: Peer, account: RouterAccount | undefined, path: string): Peer {
  if (typeof peer !== 'string') return peer
  if (isAlias(peer)) {
    if (account === undefined) throw invalid(path, `a peer: '${peer}' is not one, and aliases need options.account`)
    return account.peer(peer)
  }
  return peer
}

/** Checks an access list. Keeps names of the account, which are resolved for each request. */
function allowed(allow: RouterAllow, path: string): 'public' | 'self' | readonly string[] {
  if (allow === 'public' || allow === 'self') return allow
  if (!Array.isArray(allow)) throw invalid(path, "'public', 'self', or an array of aliases, groups and peers")
  return Array.from(allow as readonly Peer[], (each, at) =>
    typeof each === 'string' && isAlias(each) ? each : idOfOne(each, `${path}[${at}]`)
  )
}

/** Whether a text is a name of an account. Keys and tickets are longer. */
function isAlias(text: string): boolean {
  return text !== '' && text.length <= 64 && !/^(?:[\da-z]{52}|[\da-f]{64})$/i.test(text) && !/^endpoint/i.test(text)
}

function notATarget(path: string): FastnNetError {
  return new FastnNetError(
    'ERR_INVALID_ARGUMENT',
    `${path} must be a function, an application with fetch, or an object with handler, folder, backend or peer`
  )
}
