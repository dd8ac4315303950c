import { readFile } from 'node:fs/promises'
import type { Endpoint } from '../endpoint/endpoint.js'
import { type CreateEndpointOptions, createEndpoint } from '../endpoint/get-endpoint.js'
import { FastnNetError, isFastnNetError } from '../errors.js'
import { replaceFile } from '../util/replace-file.js'
import { warnOnce } from '../util/warn.js'

/**
 * Stores the UDP ports of identities on loopback in a file of the home. Loopback has no lookup: after a restart, peers find an identity only
 * at the address that they know.
 */
export class LoopbackPorts {
  readonly #file: string
  #ports: Promise<Map<string, number>> | undefined
  /** The last write. Writes run one at a time. */
  #writing: Promise<unknown> = Promise.resolve()

  constructor(file: string) {
    this.#file = file
  }

  /** Creates the endpoint of an identity, on its previous port if that is free. Warns otherwise. */
  async createEndpoint(id52: string, options: CreateEndpointOptions): Promise<Endpoint> {
    this.#ports ??= read(this.#file)
    const ports = await this.#ports
    const endpoint = await bound(id52, ports.get(id52), options)
    const port = portOf(endpoint)
    if (port !== undefined && ports.get(id52) !== port) {
      ports.set(id52, port)
      await this.#write(ports)
    }
    return endpoint
  }

  async #write(ports: ReadonlyMap<string, number>): Promise<void> {
    const written = this.#writing.then(() => replaceFile(this.#file, `${JSON.stringify(Object.fromEntries(ports))}\n`))
    this.#writing = written.catch(() => {})
    await written.catch((error: unknown) => {
      const what = 'cannot store the UDP ports of this rig; peers will not find it after a restart'
      warnOnce(error, 'ERR_FILE', message => `${what}: ${message}`)
    })
  }
}

async function bound(id52: string, port: number | undefined, options: CreateEndpointOptions): Promise<Endpoint> {
  if (port === undefined) return await createEndpoint(options)
  try {
    return await createEndpoint({ ...options, network: { bind: [`127.0.0.1:${port}`] } })
  } catch (error) {
    if (!isFastnNetError(error, 'ERR_BIND')) throw error
    const advice = 'peers on this machine do not find it: invite them again, or free the port and restart the rig'
    const taken = new FastnNetError('ERR_BIND', `UDP port ${port} of ${id52} is taken`)
    warnOnce(taken, 'ERR_BIND', message => `${message}; ${advice}`)
    return await createEndpoint(options)
  }
}

function portOf(endpoint: Endpoint): number | undefined {
  const port = Number(/:(\d+)$/.exec(endpoint.address().addresses[0] ?? '')?.[1])
  return port > 0 ? port : undefined
}

/** Ignores an invalid file: identities then get new ports. */
async function read(file: string): Promise<Map<string, number>> {
  try {
    const found = Object.entries(JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>)
    const isPort = (entry: [string, unknown]): entry is [string, number] =>
      Number.isInteger(entry[1]) && Number(entry[1]) > 0 && Number(entry[1]) < 65_536
    return new Map(found.filter(isPort))
  } catch {
    return new Map()
  }
}
