import { connect, type NetConnectOpts, Socket } from 'node:net'
import { finished } from 'node:stream/promises'
import { stateOf } from '../connection/byte-stream.js'
import { PeerStream } from '../connection/connection.js'
import { FastnNetError } from '../errors.js'
import { defaults } from '../settings.js'
import { cancelled, handlerFailed } from '../stream/failure-codes.js'
import { checkTarget, type TunnelTarget } from '../tunnel/options.js'
import { type CancelOptions, signalOf } from '../types.js'
import { abortable, after } from '../util/timeout.js'
import { checkOptions, checkSignal, invalid, type OptionNames, throwIfAborted, timeLimit } from '../util/validate.js'
import { duplex, type PeerDuplex } from './duplex.js'

/** Options of {@link peerToTcp}. */
export interface PeerToTcpOptions extends CancelOptions {
  /** Timeout of the connection to the target, in milliseconds. Default: 9 s. */
  connectTimeout?: number | undefined
}

const peerToTcpNames: OptionNames<PeerToTcpOptions> = { connectTimeout: true, signal: true }

/**
 * Carries an accepted TCP connection over a stream to a peer, both ways, until both have ended. A half-close is a FIN, a reset is a reset.
 *
 * For a whole service, `endpoint.bridgeTcp` is faster: its bytes stay out of JavaScript.
 *
 * @param socket A connected `net.Socket` that nothing else reads.
 * @throws What ended it early, after both sides were reset: the errors of {@link PeerStream.read} and {@link PeerStream.write}, the
 * socket's error, the signal's reason. `ERR_INVALID_ARGUMENT`.
 *
 * @example
 * net.createServer(socket => {
 *   socket.on('error', console.error) // also before there is a stream
 *   endpoint.getStream(peer, 'Tcp').then(stream => tcpToPeer(socket, stream)).catch(error => socket.destroy(error))
 * })
 */
export async function tcpToPeer(socket: Socket, stream: PeerStream, options: CancelOptions = {}): Promise<void> {
  const signal = signalOf(options)
  if (!(socket instanceof Socket)) throw invalid('socket', 'a net.Socket')
  checkStream(stream)
  await carry(socket, stream, duplex(stream), cancelled, signal)
}

/**
 * Carries a stream of a peer to a TCP service or Unix socket, both ways, until both have ended. A half-close is a FIN, a reset is a reset.
 *
 * For a whole service, `endpoint.exposeTcp` is faster: its bytes stay out of JavaScript.
 *
 * @param target `'host:port'`, a port of 127.0.0.1, or `'unix:'` and a path.
 * @throws {FastnNetError} `ERR_TARGET` if the target cannot be reached, after the stream was reset. Otherwise as {@link tcpToPeer}.
 *
 * @example
 * endpoint.listen({ Tcp: stream => peerToTcp(stream, '127.0.0.1:5432') })
 */
export async function peerToTcp(
  stream: PeerStream,
  target: TunnelTarget,
  options: PeerToTcpOptions = {}
): Promise<void> {
  const { signal, connectTimeout } = checkOptions(options, peerToTcpNames)
  checkSignal(signal)
  checkStream(stream)
  const to = addressOf(target)
  const timeout =
    connectTimeout === undefined ? defaults.tcpConnectTimeout : timeLimit(connectTimeout, 'options.connectTimeout')
  // From now on, the stream outlives a handler that does not wait for this.
  const peer = duplex(stream)
  let socket: Socket
  try {
    socket = await connected(to, timeout, signal)
  } catch (error) {
    const state = stateOf(stream)
    state.abort(signal?.aborted === true ? cancelled : handlerFailed, 'the target cannot be reached')
    peer.destroy()
    if (signal?.aborted === true) throw error
    const message = `the target ${String(target)} cannot be reached: ${(error as Error).message}`
    throw new FastnNetError('ERR_TARGET', message, { ...state.context('connect'), cause: error })
  }
  await carry(socket, stream, peer, handlerFailed, signal)
}

function checkStream(stream: PeerStream): void {
  if (!(stream instanceof PeerStream)) throw invalid('stream', 'a PeerStream')
}

/** `code`: what the peer sees if the socket fails. */
async function carry(
  socket: Socket,
  stream: PeerStream,
  peer: PeerDuplex,
  code: number,
  signal: AbortSignal | undefined
): Promise<void> {
  // Otherwise, the FIN of one direction would end the other.
  socket.allowHalfOpen = true
  socket.setNoDelay(true)
  const ends = Promise.all([finished(socket), finished(peer)])
  try {
    throwIfAborted(signal)
    socket.pipe(peer)
    peer.pipe(socket)
    await abortable(ends, signal)
  } catch (error) {
    ends.catch(() => {})
    stateOf(stream).abort(signal?.aborted === true ? cancelled : code, 'the tunnel ended')
    peer.destroy()
    reset(socket)
    throw error
  }
}

function reset(socket: Socket): void {
  // Its error has a receiver already, or came after the end.
  socket.on('error', () => {})
  try {
    socket.resetAndDestroy()
  } catch {
    // Unix sockets have no reset.
    socket.destroy()
  }
}

async function connected(to: NetConnectOpts, timeout: number, signal: AbortSignal | undefined): Promise<Socket> {
  throwIfAborted(signal)
  const socket = connect({ ...to, allowHalfOpen: true })
  const timer = after(timeout, () => socket.destroy(new Error(`it did not answer within ${timeout} ms`)))
  try {
    const opened = new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    await abortable(opened, signal)
    return socket
  } catch (error) {
    socket.on('error', () => {}).destroy()
    throw error
  } finally {
    clearTimeout(timer)
  }
}

/** Where a target is. */
export function addressOf(target: TunnelTarget): NetConnectOpts {
  const text = checkTarget(target)
  if (text.startsWith('unix:') && text.length > 5) return { path: text.slice(5) }
  const [, bracketed, host = bracketed, port = text] = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d+)$/.exec(text) ?? []
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535)
    throw invalid('target', "'host:port', a port, or 'unix:' and a path")
  return { host: host ?? '127.0.0.1', port: Number(port) }
}
