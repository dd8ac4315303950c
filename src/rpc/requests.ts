// What an endpoint needs of requests once it exists: a chunk of its own, so that an import of the package does not compile it.
export { call } from './call.js'
export { serverOf, streamHandler } from './serve.js'
export { tellTime, whatTimeIsIt } from './time.js'
