export { duplex, PeerDuplex, type PeerDuplexOptions } from './duplex.js'
export {
  type HttpAgentOptions,
  httpAgent,
  type PeerConnector,
  type PeerConnectorOptions,
  peerConnector,
  type ServeNodeHttpOptions,
  serveNodeHttp
} from './http.js'
export { httpToPeer, type PeerToHttpOptions, peerToHttp } from './http-stream.js'
export { type ReceiveTarget, type ReceiveToOptions, receiveTo } from './receive-to.js'
export { type SendSource, sendFrom } from './send-from.js'
export { type PeerToTcpOptions, peerToTcp, tcpToPeer } from './tcp.js'
export type { TransferOptions, TransferProgress, TransferResult } from './transfer.js'
