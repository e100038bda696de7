// Where a system's own service manager keeps Pinlight's entry, for who has to know only whether there is one: the shell, which never starts an
// agent beside a service. Not for installing or asking the manager (native/service, whose paths a test compares with these).

export type ServicePlace = {
  readonly platform: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
};

/** The entries that `pinlight service install` makes: the machine's, and this user's where there is one of the kind. */
export function serviceFiles({ platform, env, home }: ServicePlace): readonly string[] {
  switch (platform) {
    case 'win32': return [`${env['ProgramData'] ?? 'C:\\ProgramData'}\\Pinlight\\service\\pinlight-service.xml`];
    case 'darwin': return ['/Library/LaunchDaemons/dev.pinlight.agent.plist', `${home}/Library/LaunchAgents/dev.pinlight.agent.plist`];
    default: {
      const config = env['XDG_CONFIG_HOME'] ?? '';
      return ['/etc/systemd/system/pinlight.service', `${config.startsWith('/') ? config : `${home}/.config`}/systemd/user/pinlight.service`];
    }
  }
}
