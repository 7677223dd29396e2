complete -c driftless-import -l from -d 'Whose file it is, where that is not seen' -r -f -a "cloudflare-ddns\t''
ddclient\t''
ddns-go\t''
ddns-updater\t''
inadyn\t''
openwrt\t''"
complete -c driftless-import -s o -l output -d 'Where the configuration goes; "-" is standard output' -r -F
complete -c driftless-import -l secrets -d 'The folder for the secrets, which each get a file for their owner alone [default: secrets, beside the output]' -r -F
complete -c driftless-import -l force -d 'Replace files that are there already'
complete -c driftless-import -l json -d 'Print the report as JSON'
complete -c driftless-import -s h -l help -d 'Print help'
complete -c driftless-import -s V -l version -d 'Print version'
