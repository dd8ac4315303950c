// The part of connections that an endpoint needs once it exists.
export { observe } from './connection-handle.js'
