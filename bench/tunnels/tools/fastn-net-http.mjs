// This library: exposeHttp and bridgeHttp. Only for `--only http`.
import { between } from './fastn-net.mjs'

export const start = between('http')
