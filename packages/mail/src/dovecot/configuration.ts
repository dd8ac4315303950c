import { specialUses } from '../store/names.js'

/** Options of {@link dovecotConfiguration}. Paths are absolute. */
export interface DovecotOptions {
  /** Version of Dovecot: 2.4 renamed nearly all settings. */
  version: '2.3' | '2.4'
  /** Folder for Dovecot's runtime files: sockets, process ID, log. */
  runFolder: string
  /** File with the users and their passwords: see {@link dovecotUsers}. */
  usersFile: string
  /** System user that owns the Maildirs and runs Dovecot's processes. */
  systemUser: string
  /** Address to listen on; `'127.0.0.1'` by default. */
  host?: string
  /** Port without TLS, on which STARTTLS works if there is a certificate; 143 by default, 0 for none. */
  port?: number
  /** Port with TLS from the first byte; 993 by default, 0 for none. Needs `tls`. */
  tlsPort?: number
  /** The certificate, for TLS; none by default. */
  tls?: {
    /** File with the certificate and its chain, in PEM. */
    certFile: string
    /** File with the key, in PEM. */
    keyFile: string
  }
}

/**
 * Creates a Dovecot configuration for the Maildirs of {@link openMailStore}, to replace `startImap`. Do not run both, because each assigns its
 * own UIDs. Both keep messages and flags in the same files.
 *
 * @example
 * const users = dovecotUsers([{ name: 'alice', folder: '/var/mail/alice', password: dovecotPassword('secret'), uid: 1000, gid: 1000 }])
 * await writeFile('/etc/fastn/users', users, { mode: 0o600 })
 * const options = { version: '2.3', runFolder: '/run/fastn-dovecot', usersFile: '/etc/fastn/users', systemUser: 'alice' } as const
 * await writeFile('/etc/fastn/dovecot.conf', dovecotConfiguration(options))
 * // dovecot -F -c /etc/fastn/dovecot.conf
 */
export function dovecotConfiguration(options: DovecotOptions): string {
  return options.version === '2.3' ? version23(options) : version24(options)
}

function version23(options: DovecotOptions): string {
  const { tls, usersFile } = options
  return `${common(options)}
protocols = imap
disable_plaintext_auth = no
mail_location = maildir:~
ssl = ${tls ? 'yes' : 'no'}
${tls ? `ssl_cert = <${tls.certFile}\nssl_key = <${tls.keyFile}\n` : ''}
passdb {
  driver = passwd-file
  args = ${usersFile}
}
userdb {
  driver = passwd-file
  args = ${usersFile}
}
${namespace(use => use)}
${services(options)}`
}

function version24(options: DovecotOptions): string {
  const { tls, usersFile } = options
  return `dovecot_config_version = 2.4.0
dovecot_storage_version = 2.4.0
${common(options)}
protocols = imap
auth_allow_cleartext = yes
mail_driver = maildir
mail_path = %{home}
ssl = ${tls ? 'yes' : 'no'}
${tls ? `ssl_server_cert_file = ${tls.certFile}\nssl_server_key_file = ${tls.keyFile}\n` : ''}
passdb passwd-file {
  passwd_file_path = ${usersFile}
}
userdb passwd-file {
  passwd_file_path = ${usersFile}
}
${namespace(use => `"\\${use}"`)}
${services(options)}`
}

function common({ runFolder, host = '127.0.0.1', systemUser }: DovecotOptions): string {
  return `base_dir = ${runFolder}
state_dir = ${runFolder}
log_path = ${runFolder}/dovecot.log
listen = ${host}
default_internal_user = ${systemUser}
default_login_user = ${systemUser}
# Low, for Maildirs of a system's user such as mail.
first_valid_uid = 1`
}

/** Separator and special uses of the store. */
function namespace(quote: (use: string) => string): string {
  const mailboxes = [...specialUses].map(
    ([name, use]) => `  mailbox ${name} {\n    special_use = ${quote(use)}\n    auto = subscribe\n  }`
  )
  const inbox = '  mailbox INBOX {\n    auto = subscribe\n  }'
  return `namespace inbox {\n  inbox = yes\n  separator = .\n${[inbox, ...mailboxes].join('\n')}\n}`
}

function services({ port = 143, tlsPort = 993, tls, systemUser }: DovecotOptions): string {
  return `service imap-login {
  chroot =
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = ${tls ? tlsPort : 0}
    ssl = yes
  }
}
service anvil {
  chroot =
}
service stats {
  user = ${systemUser}
}
`
}
