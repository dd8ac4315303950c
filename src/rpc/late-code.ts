// The part of requests that an endpoint needs once it exists.
export { call } from './call.js'
export { serverOf, streamHandler } from './serve.js'
export { clientOf, servedMethods } from './service-methods.js'
export { tellTime, whatTimeIsIt } from './time.js'
