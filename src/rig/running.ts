import type { Runtime } from './runtime.js'
import type { Running } from './services/supervisor.js'
import type { RigIdentityStatus, RigServiceStatus } from './status.js'

/** Status of the identities and services of a rig. */
export function runningStatus({ wanted, identities, supervisor }: Runtime): {
  identities: RigIdentityStatus[]
  services: RigServiceStatus[]
} {
  const order = [...wanted.plan.services.keys()]
  const running = [...supervisor.running].sort((a, b) => order.indexOf(a.plan.name) - order.indexOf(b.plan.name))
  return {
    identities: wanted.entities.map(entity => {
      const peers = identities.get(entity.id52)?.endpoint.peers() ?? []
      const connected = peers.filter(({ connections }) => connections.length > 0)
      return { ...entity, running: identities.has(entity.id52), peers: connected.length }
    }),
    services: [
      ...running.map(each => serviceStatus(each, false)),
      ...supervisor.draining.map(each => serviceStatus(each, true))
    ]
  }
}

function serviceStatus({ plan, service }: Running, ending: boolean): RigServiceStatus {
  const { name, kind, identity = '' } = plan
  const { address, port, connections, queued = null } = service
  return { name, kind, identity, address, port, connections, queued, ending }
}
