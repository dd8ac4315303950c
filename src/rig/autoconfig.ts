import type { RouterTarget } from '../router/target.js'
import type { MailServers } from './mail.js'

/**
 * The host from which Thunderbird and other mail clients load the settings of an address: `autoconfig.` and its domain. They reach it through
 * the router as proxy.
 */
export function autoconfigHosts(
  id52: string,
  servers: () => MailServers | undefined
): Readonly<Record<string, RouterTarget>> {
  return {
    [`autoconfig.${id52}.fastn`]: request => {
      const { pathname } = new URL(request.url)
      const found = servers()
      if (found === undefined || !/^\/(?:\.well-known\/autoconfig\/)?mail\/config-v1\.1\.xml$/.test(pathname))
        return new Response('there is no mail\n', { status: 404 })
      return new Response(xml(`${id52}.fastn`, found), { headers: { 'content-type': 'text/xml; charset=utf-8' } })
    }
  }
}

/** The format of Mozilla's autoconfiguration, version 1.1. */
function xml(domain: string, { smtp, imap }: MailServers): string {
  const server = (tag: string, type: string, port: number) => `    <${tag} type="${type}">
      <hostname>localhost</hostname>
      <port>${port}</port>
      <socketType>STARTTLS</socketType>
      <username>%EMAILADDRESS%</username>
      <authentication>password-cleartext</authentication>
    </${tag}>\n`
  return `<?xml version="1.0" encoding="UTF-8"?>
<clientConfig version="1.1">
  <emailProvider id="${domain}">
    <domain>${domain}</domain>
    <displayName>fastn</displayName>
${imap === undefined ? '' : server('incomingServer', 'imap', imap)}${server('outgoingServer', 'smtp', smtp)}  </emailProvider>
</clientConfig>
`
}
