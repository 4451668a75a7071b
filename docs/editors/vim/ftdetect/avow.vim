autocmd BufRead,BufNewFile *.avow,*.cedar setfiletype avow
