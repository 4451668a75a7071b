" Avow and Cedar policies. Words that may also be names are keywords only where the grammar needs them.
if exists('b:current_syntax')
  finish
endif
syntax case match

syntax match avowOperator '==\|!=\|<=\|>=\|&&\|||\|[<>!+*-]'
syntax match avowNumber '\<\d\+\>'
syntax keyword avowBoolean true false
syntax keyword avowConditional if then else
syntax keyword avowWord in is like has
syntax match avowVariable '\<\(principal\|action\|resource\|context\)\>'
syntax match avowAttribute '\.\s*\zs\h\w*'
syntax match avowType '\<\h\w*\(\s*::\s*\h\w*\)*\ze\s*::\s*"'

" Effects before `(`, clauses before `{`.
syntax match avowEffect '\<\(permit\|forbid\|deny\)\ze\_s*('
syntax match avowClause '\<\(when\|unless\)\ze\_s*{'
syntax match avowDeclaration '\<indivisible\ze\_s\+\(principal\|action\|resource\)\_s*\['
" A negation of ours; elsewhere `not` is a name.
syntax match avowWord '\(\<is\_s\+\)\@<!\<not\ze\_s\+\(in\|like\)\>'
syntax match avowWord '\(\<is\_s\+\)\@<=not\ze\(\_s*\[\|\_s\+\(in\>\)\@!\h\)'
syntax match avowReserved '\<__cedar\>'

syntax match avowFunction '\<\(ip\|decimal\|datetime\|duration\|unknown\|version\|debversion\|rpmversion\)\ze\_s*('
syntax match avowMethod '\.\s*\zs\(contains\|containsAll\|containsAny\|isEmpty\|getTag\|hasTag\)\ze\_s*('
syntax match avowMethod '\.\s*\zs\(anyLike\|allLike\|anyMatches\|allMatches\)\ze\_s*('
syntax match avowMethod '\.\s*\zs\(lessThan\|lessThanOrEqual\|greaterThan\|greaterThanOrEqual\)\ze\_s*('
syntax match avowMethod '\.\s*\zs\(isIpv4\|isIpv6\|isLoopback\|isMulticast\|isInRange\)\ze\_s*('
syntax match avowMethod '\.\s*\zs\(offset\|durationSince\|toDate\|toTime\)\ze\_s*('
syntax match avowMethod '\.\s*\zs\(toMilliseconds\|toSeconds\|toMinutes\|toHours\|toDays\)\ze\_s*('

syntax match avowAnnotation '@\s*\h\w*'
syntax match avowSlot '?\(principal\|resource\)\>'

syntax match avowBadEscape contained '\\.'
syntax match avowEscape contained +\\\([nrt0\\'"*$]\|x[0-7]\x\|u{\x[0-9A-Fa-f_]*}\)+
syntax match avowWildcard contained '\*'
syntax match avowPath contained '\${[^}"]*}'
syntax region avowString start=+"+ skip=+\\.+ end=+"+ contains=avowEscape,avowBadEscape,avowWildcard,avowPath
syntax region avowRegex contained start=+"+ skip=+\\.+ end=+"+ contains=avowEscape,avowBadEscape
syntax match avowWord '\<matches\ze\_s*"' nextgroup=avowRegex skipwhite skipempty

syntax match avowComment '//.*$' contains=@Spell

highlight default link avowOperator Operator
highlight default link avowNumber Number
highlight default link avowBoolean Boolean
highlight default link avowConditional Conditional
highlight default link avowWord Keyword
highlight default link avowVariable Identifier
highlight default link avowType Type
highlight default link avowEffect Statement
highlight default link avowClause Statement
highlight default link avowDeclaration Statement
highlight default link avowReserved Error
highlight default link avowFunction Function
highlight default link avowMethod Function
highlight default link avowAnnotation PreProc
highlight default link avowSlot Special
highlight default link avowEscape SpecialChar
highlight default link avowBadEscape Error
highlight default link avowWildcard Special
highlight default link avowPath Special
highlight default link avowString String
highlight default link avowRegex String
highlight default link avowComment Comment

let b:current_syntax = 'avow'
