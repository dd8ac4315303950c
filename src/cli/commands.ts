import type { Command } from './command.js'
import { browse } from './commands/browse.js'
import { completions } from './commands/completions.js'
import { doctor } from './commands/doctor.js'
import { folder } from './commands/folder.js'
import { http } from './commands/http.js'
import { httpBridge } from './commands/http-bridge.js'
import { id } from './commands/id.js'
import { keygen } from './commands/keygen.js'
import { listen } from './commands/listen.js'
import { ping } from './commands/ping.js'
import { pipe } from './commands/pipe.js'
import { proxy } from './commands/proxy.js'
import { proxyRemote } from './commands/proxy-remote.js'
import { receive } from './commands/receive.js'
import { resolve } from './commands/resolve.js'
import { rig } from './commands/rig.js'
import { run } from './commands/run.js'
import { send } from './commands/send.js'
import { socks5 } from './commands/socks5.js'
import { status } from './commands/status.js'
import { tcp } from './commands/tcp.js'
import { tcpBridge } from './commands/tcp-bridge.js'
import { udp } from './commands/udp.js'
import { udpBridge } from './commands/udp-bridge.js'

/** All commands, in the order of the help. */
export const commands: readonly Command[] = [
  keygen,
  id,
  resolve,
  ping,
  listen,
  send,
  receive,
  tcp,
  tcpBridge,
  udp,
  udpBridge,
  http,
  httpBridge,
  browse,
  folder,
  proxyRemote,
  proxy,
  socks5,
  pipe,
  run,
  rig,
  status,
  doctor,
  completions(() => commands)
]
