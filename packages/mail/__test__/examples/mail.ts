// node mail.js PASSWORD [INVITATION]
import { hashPassword, startMail } from 'fastn-mail'
import { createEndpoint, Protocol } from 'fastn-net'
import { fileStore, openAccount } from 'fastn-net/account'

const [password = '', invitation] = process.argv.slice(2)
const endpoint = await createEndpoint({ key: 'mail.key' })
const account = await openAccount(endpoint, { store: fileStore('account.json') })
await account.update(draft => {
  draft.groups = { friends: [], ...draft.groups }
  draft.rules = [{ who: 'friends', protocol: Protocol.generic({ fastn: 'mail', v: 1 }), effect: 'allow' }]
})
if (invitation) await account.redeem(invitation, { name: 'friend', groups: ['friends'] })

const { SMTP_PORT = 1587, IMAP_PORT = 1143 } = process.env
const mail = await startMail({
  endpoint,
  account,
  folder: 'mail',
  users: { me: { password: await hashPassword(password) } },
  smtp: { port: Number(SMTP_PORT) },
  imap: { port: Number(IMAP_PORT) }
})
console.log(`address: ${mail.addresses[0]}`)
console.log(`SMTP: ${mail.smtp?.port}, IMAP: ${mail.imap?.port}`)
if (!invitation) console.log(`invitation: ${(await account.invite({ name: 'friend', groups: ['friends'] })).text}`)
