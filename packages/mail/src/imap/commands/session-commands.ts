import type { MailStore } from '../../store/mail-store.js'
import { maildirOf } from '../../store/open.js'
import { atomOf, expectCount, utf8Of } from '../args.js'
import { BadCommand, type Command } from '../command.js'
import { Goodbye, Refused } from '../refused.js'
import type { Session } from '../session.js'
import type { Shared } from '../shared.js'

/** Capabilities before and after login. */
export function capabilities(session: Session): string {
  const always = ['IMAP4rev1', 'LITERAL+', 'SASL-IR', 'ID', 'ENABLE']
  if (session.store) {
    const more =
      'IDLE NAMESPACE CHILDREN LIST-EXTENDED LIST-STATUS SPECIAL-USE UIDPLUS MOVE CONDSTORE UNSELECT STATUS=SIZE ESEARCH'
    return [...always, ...more.split(' ')].join(' ')
  }
  if (session.shared.secureContext && !session.isTls) always.push('STARTTLS')
  always.push(session.isPrivate ? 'AUTH=PLAIN' : 'LOGINDISABLED')
  return always.join(' ')
}

export async function capability(session: Session, { args }: Command): Promise<string> {
  expectCount(args, 0)
  session.output.line(`* CAPABILITY ${capabilities(session)}`)
  return 'OK CAPABILITY completed'
}

export async function noop(): Promise<string> {
  return 'OK completed'
}

export async function logout(session: Session): Promise<string> {
  session.output.line('* BYE logging out')
  session.after = 'logout'
  return 'OK LOGOUT completed'
}

export async function id(session: Session): Promise<string> {
  session.output.line('* ID ("name" "fastn-mail")')
  return 'OK ID completed'
}

export async function starttls(session: Session, { args }: Command): Promise<string> {
  expectCount(args, 0)
  if (session.isTls) throw new BadCommand('the connection has TLS')
  if (!session.shared.secureContext) throw new Refused('TLS is not configured')
  session.after = 'starttls'
  return 'OK begin TLS'
}

export async function login(session: Session, { args }: Command): Promise<string> {
  expectCount(args, 2)
  requirePrivate(session)
  return await logIn(session, utf8Of(args[0]), utf8Of(args[1]))
}

export async function authenticate(session: Session, { args }: Command): Promise<string> {
  expectCount(args, 1, 2)
  if (atomOf(args[0]) !== 'PLAIN') throw new Refused('the mechanism is not supported; use PLAIN', 'CANNOT')
  requirePrivate(session)
  const answer = args.length === 2 ? utf8Of(args[1]) : await ask(session)
  if (answer === '*') throw new BadCommand('authentication was cancelled')
  const bytes = Buffer.from(answer === '=' ? '' : answer, 'base64')
  const [role, user, password] = bytes.toString('utf8').split('\0')
  if (user === undefined || password === undefined) throw new BadCommand('PLAIN takes a role, a user and a password')
  if (role !== '' && role !== user) throw new Refused('acting for another user is not supported', 'AUTHORIZATIONFAILED')
  return await logIn(session, user, password)
}

async function ask(session: Session): Promise<string> {
  session.output.line('+ ')
  await session.output.flush()
  const answer = await session.input.line(8192, session.limits.loginTimeoutMs)
  if (typeof answer !== 'string') throw new BadCommand('the answer is too long')
  return answer
}

function requirePrivate(session: Session): void {
  if (!session.isPrivate) throw new Refused('use TLS to log in from another machine', 'PRIVACYREQUIRED')
}

async function logIn(session: Session, user: string, password: string): Promise<string> {
  const { shared } = session
  session.isLoggingIn = true
  const check = async () => await checkPassword(shared, user, password)
  const found = await shared.loginGuard.check(session.remoteAddress, user, check).finally(() => {
    session.isLoggingIn = false
  })
  if (found === 'busy') throw new Refused('too many wrong passwords; try later', 'LIMIT')
  if (found === undefined) throw new Refused('user or password is wrong', 'AUTHENTICATIONFAILED')
  const all = [...shared.users.values()].reduce((sum, count) => sum + count, 0)
  if (all >= shared.limits.maxConnections) throw new Goodbye('too many connections')
  const connections = shared.users.get(user) ?? 0
  if (connections >= shared.limits.maxUserConnections) throw new Goodbye('the user has too many connections')
  shared.users.set(user, connections + 1)
  session.user = user
  session.store = maildirOf(found)
  return `OK [CAPABILITY ${capabilities(session)}] logged in`
}

async function checkPassword(shared: Shared, user: string, password: string): Promise<MailStore | undefined> {
  try {
    return await shared.authenticate(user, password)
  } catch (error) {
    shared.onError(error)
    throw new Refused('the password could not be checked', 'UNAVAILABLE')
  }
}

export async function enable(session: Session, { args }: Command): Promise<string> {
  if (args.length === 0) throw new BadCommand('ENABLE takes capabilities')
  const known = args.map(atomOf).includes('CONDSTORE')
  if (known) session.hasCondstore = true
  session.output.line(known ? '* ENABLED CONDSTORE' : '* ENABLED')
  return 'OK ENABLE completed'
}

export async function namespace(session: Session, { args }: Command): Promise<string> {
  expectCount(args, 0)
  session.output.line('* NAMESPACE (("" ".")) NIL NIL')
  return 'OK NAMESPACE completed'
}
