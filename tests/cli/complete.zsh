# complete.zsh FOLDER LINE WORD [LINE WORD ...]: types each line and two tabs into a real zsh that has
# FOLDER/_alisa among its completions, and fails unless WORD appears.
zmodload zsh/zpty
setopt no_monitor
folder=$1
shift
zpty shell zsh -f -i
read_until() { # WORD: what the shell writes, until the word is there or ten seconds are over
    local piece seen= end=$(( SECONDS + 10 ))
    while (( SECONDS < end )); do
        zpty -r -t shell piece && seen+=$piece || sleep 0.1
        [[ $seen == *$1* ]] && return
    done
    print -r -- "$seen"
    return 1
}
zpty -w shell "PS1=; stty columns 200 rows 60; fpath=($folder \$fpath); autoload -U compinit; compinit -u -D; echo rea''dy"
read_until ready || { print "no shell"; exit 1 }
while (( $# )); do
    zpty -w -n shell "$1"$'\t\t'
    read_until $2 || { print "'$1' is not completed with $2"; exit 1 }
    zpty -w -n shell $'\C-u'
    shift 2
done
