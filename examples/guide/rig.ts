import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createEndpoint } from 'fastn-net'
import { initRig, startRig } from 'fastn-net/rig'

const home = await mkdtemp(join(tmpdir(), 'rig-'))
// #region start
const { owner } = await initRig({ home })
await using rig = await startRig({ services: { web: { kind: 'http', target: 8080, allow: ['friends'] } } }, { home })
rig.endpoint(owner)?.serve('Greet', (name: string) => `hello ${name}`)
await rig.account(owner)?.update(draft => {
  draft.rules.push({ who: 'everyone', protocol: 'Greet', effect: 'allow' })
})
// #endregion

await using client = await createEndpoint()
console.log(await client.call((await rig.endpoint(owner)?.ticket()) ?? '', 'Greet', 'rig'))
console.log(rig.status().services.map(({ name, kind }) => `${name} ${kind}`))
await rig.reload({})
console.log(rig.status().services.length)
