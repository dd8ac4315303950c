import { createEndpoint, SecretKey } from 'fastn-net'
import { fileStore, holdLease, memoryStore, openAccount } from 'fastn-net/account'

const [path = 'account.json'] = process.argv.slice(2)
const key = SecretKey.generate() // of a program that runs again: load it from a file
const home = await createEndpoint({ key })
home.serve('Chat', (text: string, { remoteId52 }) => {
  const { alias, actsFor } = account.identify(remoteId52)
  return `${text}, ${alias ?? `device of ${account.identify(actsFor[0]?.account ?? remoteId52).alias}`}`
})

// #region open
const account = await openAccount(home, { store: fileStore(path), key })
await account.update(draft => {
  draft.groups.friends = []
  draft.rules = [
    { who: 'friends', protocol: 'Chat', effect: 'allow' },
    { who: 'friends', protocol: 'Tcp', service: 'db', effect: { perSecond: 10 } }
  ]
})
// #endregion

// #region invite
const { text } = await account.invite({ name: 'alice', groups: ['friends'], expiresIn: 3_600_000 })
// #endregion

// #region redeem
const aliceKey = SecretKey.generate()
const laptop = await createEndpoint({ key: aliceKey })
const alice = await openAccount(laptop, { store: memoryStore(), key: aliceKey })
await alice.redeem(text, { name: 'bob' })
console.log(await laptop.call(alice.peer('bob'), 'Chat', 'hello'))
// #endregion

// #region explain
console.log(account.explain('alice', 'Tcp', { service: 'db' }).text)
console.log(account.explain('alice', 'RigControl').text)
// #endregion

// #region device
const phone = await createEndpoint()
await alice.addDevice(phone.id52, { name: 'phone', scope: ['Chat'] })
const lease = await holdLease(phone, laptop.address())
const bob = home.address()
console.log(await lease.use(bob, () => phone.call(bob, 'Chat', 'hello')))
// #endregion

// #region revoke
await account.update(draft => {
  draft.groups.friends = []
})
console.log(await laptop.call(alice.peer('bob'), 'Chat', 'again?').catch(error => error.code))
// #endregion

await lease.close()
await Promise.all([account.close(), alice.close()])
await Promise.all([home, laptop, phone].map(endpoint => endpoint.close()))
