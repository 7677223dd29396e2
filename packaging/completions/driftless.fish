# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_driftless_global_optspecs
    string join \n c/config= l/log= h/help V/version
end

function __fish_driftless_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_driftless_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_driftless_using_subcommand
    set -l cmd (__fish_driftless_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c driftless -n "__fish_driftless_needs_command" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_needs_command" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_needs_command" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_needs_command" -s V -l version -d 'Print version'
complete -c driftless -n "__fish_driftless_needs_command" -f -a "run" -d 'Run in the foreground: follow the addresses and keep the records right, until stopped'
complete -c driftless -n "__fish_driftless_needs_command" -f -a "once" -d 'Bring every record up to date once, and end'
complete -c driftless -n "__fish_driftless_needs_command" -f -a "plan" -d 'Show what would change, and why; change nothing'
complete -c driftless -n "__fish_driftless_needs_command" -f -a "check" -d 'Check the configuration'
complete -c driftless -n "__fish_driftless_needs_command" -f -a "detect" -d 'Ask every source for the address, and show what each says and what is believed'
complete -c driftless -n "__fish_driftless_needs_command" -f -a "doctor" -d 'Check this machine and what it talks to, step by step, and say what to do; change nothing'
complete -c driftless -n "__fish_driftless_needs_command" -f -a "init" -d 'Ask a few questions and write a configuration that works'
complete -c driftless -n "__fish_driftless_needs_command" -f -a "status" -d 'Show how every record stands, what it waits for, and why it is held'
complete -c driftless -n "__fish_driftless_needs_command" -f -a "explain" -d 'Tell why a record was or was not updated'
complete -c driftless -n "__fish_driftless_needs_command" -f -a "update" -d 'Look at everything, or at one name, now: in the running daemon, or else in a round of its own'
complete -c driftless -n "__fish_driftless_needs_command" -f -a "release" -d 'Let go of what is held: an account, a name, or everything'
complete -c driftless -n "__fish_driftless_needs_command" -f -a "providers" -d 'Show the providers, or the settings of one'
complete -c driftless -n "__fish_driftless_needs_command" -f -a "import" -d 'Read another updater\'s file, and write a configuration in its place (driftless-import(8))'
complete -c driftless -n "__fish_driftless_needs_command" -f -a "zones" -d 'List, add and remove zones by hand'
complete -c driftless -n "__fish_driftless_needs_command" -f -a "records" -d 'List, show, add, update and remove records by hand'
complete -c driftless -n "__fish_driftless_needs_command" -f -a "dyn" -d 'List, add, update and remove names under lndyn.com (LunaNode)'
complete -c driftless -n "__fish_driftless_needs_command" -f -a "pocketdns" -d 'What only PocketDNS can do: its templates'
complete -c driftless -n "__fish_driftless_needs_command" -f -a "notify" -d 'Try the channels by which people are told'
complete -c driftless -n "__fish_driftless_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c driftless -n "__fish_driftless_using_subcommand run" -l folder -d 'Where the demonstration keeps its files' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand run" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand run" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand run" -l demo -d 'Without configuration or account: follow this machine\'s addresses, private ones too, into a zone file'
complete -c driftless -n "__fish_driftless_using_subcommand run" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand once" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand once" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand once" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand once" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftless -n "__fish_driftless_using_subcommand plan" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand plan" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand plan" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand plan" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftless -n "__fish_driftless_using_subcommand check" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand check" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand check" -l online -d 'Log in at every account and read its records too'
complete -c driftless -n "__fish_driftless_using_subcommand check" -l strict -d 'Take warnings, such as a secret file that the world can read or the daemon cannot, for errors'
complete -c driftless -n "__fish_driftless_using_subcommand check" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand check" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand detect" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand detect" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand detect" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand detect" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand doctor" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand doctor" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand doctor" -l offline -d 'Leave out all that leaves this machine'
complete -c driftless -n "__fish_driftless_using_subcommand doctor" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand doctor" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand init" -l provider -d 'The provider; what has a usual answer is then not asked' -r
complete -c driftless -n "__fish_driftless_using_subcommand init" -l account -d 'What the account is called in the configuration' -r
complete -c driftless -n "__fish_driftless_using_subcommand init" -l name -d 'A name to publish; may be repeated' -r
complete -c driftless -n "__fish_driftless_using_subcommand init" -l set -d 'A setting of the account, never a secret; may be repeated' -r
complete -c driftless -n "__fish_driftless_using_subcommand init" -l secret-file -d 'A file that holds a secret already, instead of asking for it: KEY= where the account has several; may be repeated' -r
complete -c driftless -n "__fish_driftless_using_subcommand init" -l family -d 'What to publish: both, ipv4 or ipv6' -r
complete -c driftless -n "__fish_driftless_using_subcommand init" -l address -d 'Where the addresses come from: auto, interface (that of the default route), or an interface by its name' -r
complete -c driftless -n "__fish_driftless_using_subcommand init" -l output -d 'The file to write [default: that of --config, or /etc/driftless/driftless.toml]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand init" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand init" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand init" -l force -d 'Replace files that are there'
complete -c driftless -n "__fish_driftless_using_subcommand init" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand status" -l socket -d 'Where the daemon takes commands [default: what the configuration says]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand status" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand status" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand status" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand status" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand explain" -l socket -d 'Where the daemon takes commands [default: what the configuration says]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand explain" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand explain" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand explain" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand explain" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand update" -l socket -d 'Where the daemon takes commands [default: what the configuration says]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand update" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand update" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand update" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c driftless -n "__fish_driftless_using_subcommand release" -l socket -d 'Where the daemon takes commands [default: what the configuration says]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand release" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand release" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand release" -l all -d 'Everything that is held'
complete -c driftless -n "__fish_driftless_using_subcommand release" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand providers" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand providers" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand providers" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand providers" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand import" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand import" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand import" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand zones; and not __fish_seen_subcommand_from list add remove help" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand zones; and not __fish_seen_subcommand_from list add remove help" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand zones; and not __fish_seen_subcommand_from list add remove help" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand zones; and not __fish_seen_subcommand_from list add remove help" -f -a "list" -d 'List the zones of an account'
complete -c driftless -n "__fish_driftless_using_subcommand zones; and not __fish_seen_subcommand_from list add remove help" -f -a "add" -d 'Add a zone'
complete -c driftless -n "__fish_driftless_using_subcommand zones; and not __fish_seen_subcommand_from list add remove help" -f -a "remove" -d 'Remove a zone with everything in it'
complete -c driftless -n "__fish_driftless_using_subcommand zones; and not __fish_seen_subcommand_from list add remove help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from list" -s a -l account -d 'The account, by its name in the configuration; may be left out where only one can be meant' -r
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from list" -l name -d 'Only names that fit (`*.org`)' -r
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from list" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from list" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from add" -s a -l account -d 'The account, by its name in the configuration; may be left out where only one can be meant' -r
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from add" -l ttl -d 'The zone\'s time to live, in seconds' -r
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from add" -l email -d 'The address of who is responsible for the zone' -r
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from add" -l set -d 'An attribute of the service\'s; one that does not exist gets the list of those that do' -r
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from add" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from add" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from add" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from add" -l dry-run -d 'Show what would be done; read, but write nothing'
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from remove" -s a -l account -d 'The account, by its name in the configuration; may be left out where only one can be meant' -r
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from remove" -l id -d 'Only if it has this id of the service\'s' -r
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from remove" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from remove" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from remove" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from remove" -l dry-run -d 'Show what would be done; read, but write nothing'
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from remove" -s y -l yes -d 'Remove without asking; needed where nobody can be asked'
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the zones of an account'
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add a zone'
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove a zone with everything in it'
complete -c driftless -n "__fish_driftless_using_subcommand zones; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c driftless -n "__fish_driftless_using_subcommand records; and not __fish_seen_subcommand_from list show add update remove attributes help" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand records; and not __fish_seen_subcommand_from list show add update remove attributes help" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and not __fish_seen_subcommand_from list show add update remove attributes help" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand records; and not __fish_seen_subcommand_from list show add update remove attributes help" -f -a "list" -d 'List the records of a zone, or of all zones'
complete -c driftless -n "__fish_driftless_using_subcommand records; and not __fish_seen_subcommand_from list show add update remove attributes help" -f -a "show" -d 'Show everything that the service says of a record'
complete -c driftless -n "__fish_driftless_using_subcommand records; and not __fish_seen_subcommand_from list show add update remove attributes help" -f -a "add" -d 'Add records: one for each value where the service keeps records, one set where it keeps sets'
complete -c driftless -n "__fish_driftless_using_subcommand records; and not __fish_seen_subcommand_from list show add update remove attributes help" -f -a "update" -d 'Change a record: its values, its TTL or its attributes; what is not named stays'
complete -c driftless -n "__fish_driftless_using_subcommand records; and not __fish_seen_subcommand_from list show add update remove attributes help" -f -a "remove" -d 'Remove records, or single values'
complete -c driftless -n "__fish_driftless_using_subcommand records; and not __fish_seen_subcommand_from list show add update remove attributes help" -f -a "attributes" -d 'Show which attributes records and zones may be given with --set'
complete -c driftless -n "__fish_driftless_using_subcommand records; and not __fish_seen_subcommand_from list show add update remove attributes help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from list" -s a -l account -d 'The account, by its name in the configuration; may be left out where only one can be meant' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from list" -s z -l zone -d 'The zone; without it the one with the longest name that the record\'s name ends in' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from list" -l name -d 'Only names that fit (`*.example.org`)' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from list" -l type -d 'Only this type' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from list" -l value -d 'Only values that fit (`192.0.2.*`)' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from list" -l id -d 'Only the record with this id of the service\'s' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from list" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from list" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from list" -l ids -d 'Show the ids too, which stand in the table only where they are short'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from show" -s a -l account -d 'The account, by its name in the configuration; may be left out where only one can be meant' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from show" -s z -l zone -d 'The zone; without it the one with the longest name that the record\'s name ends in' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from show" -l name -d 'Only names that fit (`*.example.org`)' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from show" -l type -d 'Only this type' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from show" -l value -d 'Only values that fit (`192.0.2.*`)' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from show" -l id -d 'Only the record with this id of the service\'s' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from show" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from show" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from show" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from add" -s a -l account -d 'The account, by its name in the configuration; may be left out where only one can be meant' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from add" -s z -l zone -d 'The zone; without it the one with the longest name that the record\'s name ends in' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from add" -l ttl -d 'Its time to live, in seconds' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from add" -l priority -d 'Its priority (MX, SRV)' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from add" -l weight -d 'Its weight among the records of its name and type' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from add" -l set -d 'An attribute of the service\'s; one that does not exist gets the list of those that do' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from add" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from add" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from add" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from add" -l dry-run -d 'Show what would be done; read, but write nothing'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from update" -s a -l account -d 'The account, by its name in the configuration; may be left out where only one can be meant' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from update" -s z -l zone -d 'The zone; without it the one with the longest name that the record\'s name ends in' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from update" -l name -d 'Only names that fit (`*.example.org`)' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from update" -l type -d 'Only this type' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from update" -l value -d 'Only values that fit (`192.0.2.*`)' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from update" -l id -d 'Only the record with this id of the service\'s' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from update" -l ttl -d 'Its time to live, in seconds' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from update" -l priority -d 'Its priority (MX, SRV)' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from update" -l weight -d 'Its weight among the records of its name and type' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from update" -l set -d 'An attribute of the service\'s; one that does not exist gets the list of those that do' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from update" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from update" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from update" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from update" -l dry-run -d 'Show what would be done; read, but write nothing'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from update" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from remove" -s a -l account -d 'The account, by its name in the configuration; may be left out where only one can be meant' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from remove" -s z -l zone -d 'The zone; without it the one with the longest name that the record\'s name ends in' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from remove" -l name -d 'Only names that fit (`*.example.org`)' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from remove" -l type -d 'Only this type' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from remove" -l value -d 'Only values that fit (`192.0.2.*`)' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from remove" -l id -d 'Only the record with this id of the service\'s' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from remove" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from remove" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from remove" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from remove" -l dry-run -d 'Show what would be done; read, but write nothing'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from remove" -s y -l yes -d 'Remove without asking; needed where nobody can be asked'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from attributes" -s a -l account -d 'The account, by its name in the configuration; may be left out where only one can be meant' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from attributes" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from attributes" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from attributes" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from attributes" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the records of a zone, or of all zones'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from help" -f -a "show" -d 'Show everything that the service says of a record'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add records: one for each value where the service keeps records, one set where it keeps sets'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from help" -f -a "update" -d 'Change a record: its values, its TTL or its attributes; what is not named stays'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove records, or single values'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from help" -f -a "attributes" -d 'Show which attributes records and zones may be given with --set'
complete -c driftless -n "__fish_driftless_using_subcommand records; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and not __fish_seen_subcommand_from list add update remove help" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and not __fish_seen_subcommand_from list add update remove help" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and not __fish_seen_subcommand_from list add update remove help" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and not __fish_seen_subcommand_from list add update remove help" -f -a "list" -d 'List the names'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and not __fish_seen_subcommand_from list add update remove help" -f -a "add" -d 'Add a name'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and not __fish_seen_subcommand_from list add update remove help" -f -a "update" -d 'Give a name another address'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and not __fish_seen_subcommand_from list add update remove help" -f -a "remove" -d 'Remove a name'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and not __fish_seen_subcommand_from list add update remove help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from list" -s a -l account -d 'The account, by its name in the configuration; may be left out where only one can be meant' -r
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from list" -l name -d 'Only names that fit (`home*`)' -r
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from list" -l value -d 'Only addresses that fit (`192.0.2.*`)' -r
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from list" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from list" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from list" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from add" -s a -l account -d 'The account, by its name in the configuration; may be left out where only one can be meant' -r
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from add" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from add" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from add" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from add" -l dry-run -d 'Show what would be done; read, but write nothing'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from add" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from update" -s a -l account -d 'The account, by its name in the configuration; may be left out where only one can be meant' -r
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from update" -l id -d 'Only if it has this id of the service\'s' -r
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from update" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from update" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from update" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from update" -l dry-run -d 'Show what would be done; read, but write nothing'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from update" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from remove" -s a -l account -d 'The account, by its name in the configuration; may be left out where only one can be meant' -r
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from remove" -l id -d 'Only if it has this id of the service\'s' -r
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from remove" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from remove" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from remove" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from remove" -l dry-run -d 'Show what would be done; read, but write nothing'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from remove" -s y -l yes -d 'Remove without asking; needed where nobody can be asked'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from remove" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the names'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from help" -f -a "add" -d 'Add a name'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from help" -f -a "update" -d 'Give a name another address'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from help" -f -a "remove" -d 'Remove a name'
complete -c driftless -n "__fish_driftless_using_subcommand dyn; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c driftless -n "__fish_driftless_using_subcommand pocketdns; and not __fish_seen_subcommand_from template help" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand pocketdns; and not __fish_seen_subcommand_from template help" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand pocketdns; and not __fish_seen_subcommand_from template help" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand pocketdns; and not __fish_seen_subcommand_from template help" -f -a "template" -d 'Apply one of PocketDNS\'s templates to a zone'
complete -c driftless -n "__fish_driftless_using_subcommand pocketdns; and not __fish_seen_subcommand_from template help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c driftless -n "__fish_driftless_using_subcommand pocketdns; and __fish_seen_subcommand_from template" -s a -l account -d 'The account, by its name in the configuration; may be left out where only one can be meant' -r
complete -c driftless -n "__fish_driftless_using_subcommand pocketdns; and __fish_seen_subcommand_from template" -l set -d 'A variable of the template (`ip_address=192.0.2.1`)' -r
complete -c driftless -n "__fish_driftless_using_subcommand pocketdns; and __fish_seen_subcommand_from template" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand pocketdns; and __fish_seen_subcommand_from template" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand pocketdns; and __fish_seen_subcommand_from template" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand pocketdns; and __fish_seen_subcommand_from template" -l dry-run -d 'Show what would be done; read, but write nothing'
complete -c driftless -n "__fish_driftless_using_subcommand pocketdns; and __fish_seen_subcommand_from template" -s y -l yes -d 'Apply it without asking; needed where nobody can be asked'
complete -c driftless -n "__fish_driftless_using_subcommand pocketdns; and __fish_seen_subcommand_from template" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand pocketdns; and __fish_seen_subcommand_from help" -f -a "template" -d 'Apply one of PocketDNS\'s templates to a zone'
complete -c driftless -n "__fish_driftless_using_subcommand pocketdns; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c driftless -n "__fish_driftless_using_subcommand notify; and not __fish_seen_subcommand_from test help" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand notify; and not __fish_seen_subcommand_from test help" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand notify; and not __fish_seen_subcommand_from test help" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand notify; and not __fish_seen_subcommand_from test help" -f -a "test" -d 'Send a test message, or a sign of life, and show what each channel answers'
complete -c driftless -n "__fish_driftless_using_subcommand notify; and not __fish_seen_subcommand_from test help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c driftless -n "__fish_driftless_using_subcommand notify; and __fish_seen_subcommand_from test" -s c -l config -d 'The configuration file [default: /etc/driftless/driftless.toml, conf.d/*.toml beside it, and DRIFTLESS__ variables]' -r -F
complete -c driftless -n "__fish_driftless_using_subcommand notify; and __fish_seen_subcommand_from test" -s l -l log -d 'What to log: a level (error, warn, info, debug, trace), or levels for parts (info,driftless::net=trace)' -r
complete -c driftless -n "__fish_driftless_using_subcommand notify; and __fish_seen_subcommand_from test" -l json -d 'Print JSON'
complete -c driftless -n "__fish_driftless_using_subcommand notify; and __fish_seen_subcommand_from test" -s h -l help -d 'Print help'
complete -c driftless -n "__fish_driftless_using_subcommand notify; and __fish_seen_subcommand_from help" -f -a "test" -d 'Send a test message, or a sign of life, and show what each channel answers'
complete -c driftless -n "__fish_driftless_using_subcommand notify; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c driftless -n "__fish_driftless_using_subcommand help; and not __fish_seen_subcommand_from run once plan check detect doctor init status explain update release providers import zones records dyn pocketdns notify help" -f -a "run" -d 'Run in the foreground: follow the addresses and keep the records right, until stopped'
complete -c driftless -n "__fish_driftless_using_subcommand help; and not __fish_seen_subcommand_from run once plan check detect doctor init status explain update release providers import zones records dyn pocketdns notify help" -f -a "once" -d 'Bring every record up to date once, and end'
complete -c driftless -n "__fish_driftless_using_subcommand help; and not __fish_seen_subcommand_from run once plan check detect doctor init status explain update release providers import zones records dyn pocketdns notify help" -f -a "plan" -d 'Show what would change, and why; change nothing'
complete -c driftless -n "__fish_driftless_using_subcommand help; and not __fish_seen_subcommand_from run once plan check detect doctor init status explain update release providers import zones records dyn pocketdns notify help" -f -a "check" -d 'Check the configuration'
complete -c driftless -n "__fish_driftless_using_subcommand help; and not __fish_seen_subcommand_from run once plan check detect doctor init status explain update release providers import zones records dyn pocketdns notify help" -f -a "detect" -d 'Ask every source for the address, and show what each says and what is believed'
complete -c driftless -n "__fish_driftless_using_subcommand help; and not __fish_seen_subcommand_from run once plan check detect doctor init status explain update release providers import zones records dyn pocketdns notify help" -f -a "doctor" -d 'Check this machine and what it talks to, step by step, and say what to do; change nothing'
complete -c driftless -n "__fish_driftless_using_subcommand help; and not __fish_seen_subcommand_from run once plan check detect doctor init status explain update release providers import zones records dyn pocketdns notify help" -f -a "init" -d 'Ask a few questions and write a configuration that works'
complete -c driftless -n "__fish_driftless_using_subcommand help; and not __fish_seen_subcommand_from run once plan check detect doctor init status explain update release providers import zones records dyn pocketdns notify help" -f -a "status" -d 'Show how every record stands, what it waits for, and why it is held'
complete -c driftless -n "__fish_driftless_using_subcommand help; and not __fish_seen_subcommand_from run once plan check detect doctor init status explain update release providers import zones records dyn pocketdns notify help" -f -a "explain" -d 'Tell why a record was or was not updated'
complete -c driftless -n "__fish_driftless_using_subcommand help; and not __fish_seen_subcommand_from run once plan check detect doctor init status explain update release providers import zones records dyn pocketdns notify help" -f -a "update" -d 'Look at everything, or at one name, now: in the running daemon, or else in a round of its own'
complete -c driftless -n "__fish_driftless_using_subcommand help; and not __fish_seen_subcommand_from run once plan check detect doctor init status explain update release providers import zones records dyn pocketdns notify help" -f -a "release" -d 'Let go of what is held: an account, a name, or everything'
complete -c driftless -n "__fish_driftless_using_subcommand help; and not __fish_seen_subcommand_from run once plan check detect doctor init status explain update release providers import zones records dyn pocketdns notify help" -f -a "providers" -d 'Show the providers, or the settings of one'
complete -c driftless -n "__fish_driftless_using_subcommand help; and not __fish_seen_subcommand_from run once plan check detect doctor init status explain update release providers import zones records dyn pocketdns notify help" -f -a "import" -d 'Read another updater\'s file, and write a configuration in its place (driftless-import(8))'
complete -c driftless -n "__fish_driftless_using_subcommand help; and not __fish_seen_subcommand_from run once plan check detect doctor init status explain update release providers import zones records dyn pocketdns notify help" -f -a "zones" -d 'List, add and remove zones by hand'
complete -c driftless -n "__fish_driftless_using_subcommand help; and not __fish_seen_subcommand_from run once plan check detect doctor init status explain update release providers import zones records dyn pocketdns notify help" -f -a "records" -d 'List, show, add, update and remove records by hand'
complete -c driftless -n "__fish_driftless_using_subcommand help; and not __fish_seen_subcommand_from run once plan check detect doctor init status explain update release providers import zones records dyn pocketdns notify help" -f -a "dyn" -d 'List, add, update and remove names under lndyn.com (LunaNode)'
complete -c driftless -n "__fish_driftless_using_subcommand help; and not __fish_seen_subcommand_from run once plan check detect doctor init status explain update release providers import zones records dyn pocketdns notify help" -f -a "pocketdns" -d 'What only PocketDNS can do: its templates'
complete -c driftless -n "__fish_driftless_using_subcommand help; and not __fish_seen_subcommand_from run once plan check detect doctor init status explain update release providers import zones records dyn pocketdns notify help" -f -a "notify" -d 'Try the channels by which people are told'
complete -c driftless -n "__fish_driftless_using_subcommand help; and not __fish_seen_subcommand_from run once plan check detect doctor init status explain update release providers import zones records dyn pocketdns notify help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c driftless -n "__fish_driftless_using_subcommand help; and __fish_seen_subcommand_from zones" -f -a "list" -d 'List the zones of an account'
complete -c driftless -n "__fish_driftless_using_subcommand help; and __fish_seen_subcommand_from zones" -f -a "add" -d 'Add a zone'
complete -c driftless -n "__fish_driftless_using_subcommand help; and __fish_seen_subcommand_from zones" -f -a "remove" -d 'Remove a zone with everything in it'
complete -c driftless -n "__fish_driftless_using_subcommand help; and __fish_seen_subcommand_from records" -f -a "list" -d 'List the records of a zone, or of all zones'
complete -c driftless -n "__fish_driftless_using_subcommand help; and __fish_seen_subcommand_from records" -f -a "show" -d 'Show everything that the service says of a record'
complete -c driftless -n "__fish_driftless_using_subcommand help; and __fish_seen_subcommand_from records" -f -a "add" -d 'Add records: one for each value where the service keeps records, one set where it keeps sets'
complete -c driftless -n "__fish_driftless_using_subcommand help; and __fish_seen_subcommand_from records" -f -a "update" -d 'Change a record: its values, its TTL or its attributes; what is not named stays'
complete -c driftless -n "__fish_driftless_using_subcommand help; and __fish_seen_subcommand_from records" -f -a "remove" -d 'Remove records, or single values'
complete -c driftless -n "__fish_driftless_using_subcommand help; and __fish_seen_subcommand_from records" -f -a "attributes" -d 'Show which attributes records and zones may be given with --set'
complete -c driftless -n "__fish_driftless_using_subcommand help; and __fish_seen_subcommand_from dyn" -f -a "list" -d 'List the names'
complete -c driftless -n "__fish_driftless_using_subcommand help; and __fish_seen_subcommand_from dyn" -f -a "add" -d 'Add a name'
complete -c driftless -n "__fish_driftless_using_subcommand help; and __fish_seen_subcommand_from dyn" -f -a "update" -d 'Give a name another address'
complete -c driftless -n "__fish_driftless_using_subcommand help; and __fish_seen_subcommand_from dyn" -f -a "remove" -d 'Remove a name'
complete -c driftless -n "__fish_driftless_using_subcommand help; and __fish_seen_subcommand_from pocketdns" -f -a "template" -d 'Apply one of PocketDNS\'s templates to a zone'
complete -c driftless -n "__fish_driftless_using_subcommand help; and __fish_seen_subcommand_from notify" -f -a "test" -d 'Send a test message, or a sign of life, and show what each channel answers'
