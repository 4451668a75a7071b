# forge.pl - packs as an attacker writes them: `forge.pl PACK OTHER-PACK` prints a line for each attack, its name and PACK with one thing changed, or `-` where it does not
# apply to the form. `forge.pl PACK` prints what it says.
# Perl's base modules alone. The signature is found where the form has it: beside (avow and the clouds'), in the member (embedded), third (JWS), last (CMS).
use strict;
use warnings;

sub b64 { my $t = pack 'u', $_[0]; $t =~ s/^.//mg; $t =~ tr/\n//d; my $p = (3 - length($_[0]) % 3) % 3; $t =~ tr{`!-_}{A-Za-z0-9+/}; substr($t, length($t) - $p) = '=' x $p if $p; $t }
sub un64 { my $t = $_[0]; $t =~ tr{-_}{+/}; $t =~ tr/=//d; $t =~ tr{A-Za-z0-9+/}{ -_}; join '', map { unpack 'u', chr(32 + int(length($_) * 3 / 4)) . "$_  " } $t =~ /(.{1,60})/g }
sub url { my $t = b64($_[0]); $t =~ tr{+/}{-_}; $t =~ tr/=//d; $t }

# --- DER, as a tree: [tag, bytes or list]
sub parse {
	my ($d, @all) = @_;
	while (length $d) {
		my ($tag, $n) = unpack 'CC', $d; my $h = 2;
		if ($n & 0x80) { my $k = $n & 0x7f; $n = 0; $n = $n * 256 + ord substr($d, $h++, 1) for 1 .. $k; }
		my $v = substr $d, $h, $n; $d = substr $d, $h + $n;
		push @all, [$tag, $tag & 0x20 ? [parse($v)] : $v];
	}
	@all;
}
sub tlv { my ($tag, $v) = @_; my $n = length $v; my $l = $n < 128 ? chr $n : $n < 256 ? "\x81" . chr $n : "\x82" . pack 'n', $n; chr($tag) . $l . $v }
sub der { join '', map { tlv($_->[0], ref $_->[1] ? der(@{$_->[1]}) : $_->[1]) } @_ }

my ($pack, $other) = @ARGV;
my ($magic, $kind, @parts) = split /\./, $pack, -1;
my ($doc, $sig);
my $is_url = $kind eq 'avow-jws' || $kind eq 'gcp';

sub info { $_[0]->[1][1][1][0][1] }          # ContentInfo's SignedData, as a list
sub signers { info($_[0])->[-1][1] }
sub get {
	my ($d, $s) = @_;
	return $s if $kind eq 'avow' || $kind eq 'ec2-signature';
	return un64($d =~ /"signature":"([^"]*)"/ ? $1 : '') if $kind eq 'avow-embedded';
	return un64((split /\./, $d, -1)[2]) if $is_url;
	my ($t) = parse($kind eq 'avow-cms' ? $d : $s);
	for (reverse @{signers($t)->[0][1]}) { return $_->[1] if $_->[0] == 4 }
}
sub put { # the new signature, with its text where it has one
	my ($new, $text) = @_;
	if ($kind eq 'avow' || $kind eq 'ec2-signature') { $sig = $new; }
	elsif ($kind eq 'avow-embedded') { my $t = $text // b64($new); $doc =~ s{"signature":"[^"]*"}{"signature":"$t"}; }
	elsif ($is_url) { my @p = split /\./, $doc, -1; $p[2] = $text // url($new); $doc = join '.', @p; }
	else {
		my ($t) = parse($kind eq 'avow-cms' ? $doc : $sig);
		for (reverse @{signers($t)->[0][1]}) { if ($_->[0] == 4) { $_->[1] = $new; last } }
		if ($kind eq 'avow-cms') { $doc = der($t) } else { $sig = der($t) }
	}
}
# The JSON that is signed, changed by a substitution.
sub edit {
	my $how = shift;
	if ($is_url) { my @p = split /\./, $doc, -1; local $_ = un64($p[1]); $how->(); $p[1] = url($_); $doc = join '.', @p; }
	elsif ($kind eq 'avow-cms') { my ($t) = parse($doc); local $_ = info($t)->[2][1][1][1][0][1]; $how->(); info($t)->[2][1][1][1][0][1] = $_; $doc = der($t); }
	else { local $_ = $doc; $how->(); $doc = $_; }
}
sub raw_of { my ($t) = parse($_[0]); map { my $v = $_->[1]; $v =~ s/^\0+//; ("\0" x (32 - length $v)) . $v } @{$t->[1]} }
sub int_of { my $v = shift; $v =~ s/^\0+//; $v = "\0$v" if ord($v) & 0x80; [2, $v] }
my $order = pack 'H*', 'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551';
sub minus { my @n = unpack 'C32', $_[0]; my @s = unpack 'C32', $_[1]; my $b = 0; for (reverse 0 .. 31) { my $d = $n[$_] - $s[$_] - $b; $b = $d < 0; $n[$_] = $d & 255; } pack 'C32', @n }
sub needs { die "-\n" unless grep { $kind eq $_ } @_ }
my @ecdsa = qw(avow avow-embedded avow-cms);
my @dsa = (@ecdsa, 'ec2-pkcs7');
my @clouds = qw(ec2-rsa2048 ec2-pkcs7 azure);
my @cms = ('avow-cms', @clouds);
# The message, as bytes or with its tree.
sub with_bytes { my $f = shift; needs(@cms); local $_ = $kind eq 'avow-cms' ? $doc : $sig; $f->(); if ($kind eq 'avow-cms') { $doc = $_ } else { $sig = $_ } }
sub with_tree { my $f = shift; needs(@cms); my ($t) = parse($kind eq 'avow-cms' ? $doc : $sig); $f->($t); if ($kind eq 'avow-cms') { $doc = der($t) } else { $sig = der($t) } }

my %attacks = (
	none => sub { },
	flip => sub { my $s = get($doc, $sig); substr($s, -1) = chr(ord(substr $s, -1) ^ 1); put($s) },
	# Of the same length, so that nothing else is wrong with it.
	content => sub { edit(sub { s/north/south/ || s/us-east-1/us-west-1/ || s/"aud":"u/"aud":"v/ || die }) },
	'other-signature' => sub { my (undef, undef, @o) = split /\./, $other, -1; put(get(map { un64($_) } @o)) },
	'no-signature' => sub { put('') },
	'short-signature' => sub { my $s = get($doc, $sig); put(substr $s, 0, -1) },
	'long-signature' => sub { put(get($doc, $sig) . "\0") },
	'half' => sub { $doc = substr $doc, 0, length($doc) / 3 },
	'half-signed' => sub { needs(@clouds); $sig = substr $sig, 0, length($sig) / 2 },
	'more' => sub { $doc .= ' ' },
	'more-cms' => sub { needs(@cms); if ($kind eq 'avow-cms') { $doc .= "\0" } else { $sig .= "\0" } },
	# ECDSA: (r, n - s) verifies as well, and is the same document.
	'high-s' => sub {
		needs(@ecdsa, 'avow-jws');
		if ($is_url) { my $s = get($doc, $sig); put(substr($s, 0, 32) . minus($order, substr $s, 32)) }
		else { my ($r, $s) = raw_of(get($doc, $sig)); put(der([0x30, [int_of($r), int_of(minus($order, $s))]])) }
	},
	'r-padded' => sub { needs(@dsa); my ($r, $s) = raw_of(get($doc, $sig)); put(der([0x30, [[2, "\0\0$r"], int_of($s)]])) },
	'r-negative' => sub { needs(@dsa); my ($r, $s) = raw_of(get($doc, $sig)); put(der([0x30, [[2, "\xff" . substr $r, 1], int_of($s)]])) },
	'long-length' => sub { needs(@dsa); my $s = get($doc, $sig); put("\x30\x81" . substr $s, 1) },
	'zero-r-s' => sub { needs(@dsa, 'avow-jws'); put($is_url ? "\0" x 64 : "\x30\6\2\1\0\2\1\0") },
	'der-in-jws' => sub { needs('avow-jws'); my $s = get($doc, $sig); put(der([0x30, [int_of(substr $s, 0, 32), int_of(substr $s, 32)]])) },
	'raw-in-der' => sub { needs(@dsa); put(join '', raw_of(get($doc, $sig))) },
	# Base64 in another way: of what is inside, and of the pack's parts.
	'inner-padding' => sub { needs('avow-jws', 'gcp'); put('', url(get($doc, $sig)) . '==') },
	'inner-no-padding' => sub { needs('avow-embedded'); my $t = b64(get($doc, $sig) . ''); $t =~ tr/=//d or die "-\n"; put('', $t) },
	'inner-line' => sub { needs('avow-embedded', 'avow-jws', 'gcp'); my $t = $is_url ? url(get($doc, $sig)) : b64(get($doc, $sig)); substr($t, 20, 0) = $is_url ? "\n" : '\\n'; put('', $t) },
	'inner-left-over' => sub { needs('avow-jws', 'gcp'); my $t = url(get($doc, $sig)); my $l = chop $t; $l =~ tr{AQgwEIMUYckos048}{BRhxFJNVZdlpt159}; put('', $t . $l) },
	'fourth-part' => sub { needs('avow-jws', 'gcp'); $doc .= '.AA' },
	'alg-none' => sub { needs('avow-jws', 'gcp'); my @p = split /\./, $doc, -1; my $h = un64($p[0]); $h =~ s/"alg":"[^"]*"/"alg":"none"/; $doc = join '.', url($h), $p[1], '' },
	'alg-mac' => sub { needs('avow-jws', 'gcp'); my @p = split /\./, $doc, -1; my $h = un64($p[0]); $h =~ s/"alg":"[^"]*"/"alg":"HS256"/; $doc = join '.', url($h), @p[1, 2] },
	# What is read before the signature is looked at.
	'twice' => sub { edit(sub { s/^(\s*)\{/$1\{"subject":"i-2","instanceId":"i-2","aud":"x","subject":"i-2","instanceId":"i-2","aud":"x",/ || die }) },
	'deep' => sub { edit(sub { my $d = '[' x 40 . ']' x 40; s/^(\s*)\{/$1\{"a":$d,/ || die }) },
	'no-object' => sub { edit(sub { $_ = "[$_]" }) },
	'spaced' => sub { edit(sub { s/"\s*:\s*"/"  : "/ || die }) },
	'nul' => sub { edit(sub { s/north/nor\\u0000h/ || s/us-east-1/us-ea\\u0000/ || s/"aud":"u/"aud":"\\u0000/ || die }) },
	'not-utf8' => sub { edit(sub { s/north/nor\xff\xff/ || s/us-east-1/us-east\xff\xff/ || s/"aud":"u/"aud":"\xff/ || die }) },
	# CMS of another shape.
	'two-signers' => sub { with_tree(sub { my $s = signers($_[0]); push @$s, $s->[0] }) },
	'no-signer' => sub { with_tree(sub { @{signers($_[0])} = () }) },
	'other-content-type' => sub { with_tree(sub { info($_[0])->[2][1][0][1] = pack 'H*', '2a864886f70d010703' }) },
	'other-outer-type' => sub { with_tree(sub { $_[0][1][0][1] = pack 'H*', '2a864886f70d010703' }) },
	'other-content' => sub { needs(@clouds); with_tree(sub { info($_[0])->[2][1][1] and info($_[0])->[2][1][1][1][0][1] =~ s/us-east-1/us-west-1/ or die }) },
	'other-serial' => sub { with_tree(sub { my $id = signers($_[0])->[0][1][1]; $id->[0] == 0x30 ? ($id->[1][1][1] = "\x55") : ($id->[1] = 'x' x length $id->[1]) }) },
	'certificate-twice' => sub { with_tree(sub { my ($c) = grep { $_->[0] == 0xa0 } @{info($_[0])}; die "-\n" unless $c; push @{$c->[1]}, $c->[1][0] }) },
	'unsigned-none' => sub { with_tree(sub { my $a = signers($_[0])->[0][1]; push @$a, [0xa1, []] }) },
	# The same in other bytes: of no length, of a longer one.
	'ber' => sub { with_bytes(sub { my ($t) = parse($_); $_ = "\x30\x80" . der(@{$t->[1]}) . "\0\0" }) },
	'ber-long' => sub { with_bytes(sub { my ($t) = parse($_); my $v = der(@{$t->[1]}); $_ = "\x30\x83\0" . pack('n', length $v) . $v }) },
	'unsigned-attribute' => sub { with_tree(sub { push @{signers($_[0])->[0][1]}, [0xa1, [[0x30, [[6, "\x2a\x03"], [0x31, [[5, '']]]]]]] }) },
	'digest-sha1' => sub { needs(grep { $_ ne 'ec2-pkcs7' } @cms); with_tree(sub { for (@{signers($_[0])->[0][1]}) { if (ref $_->[1] && ref $_->[1][0] && $_->[0] == 0x30 && $_->[1][0][0] == 6 && $_->[1][0][1] eq pack 'H*', '608648016503040201') { $_->[1][0][1] = pack 'H*', '2b0e03021a' } } }) },
);
# Of the pack's own text.
my %texts = (
	'pack-padding' => sub { "$pack=" },
	'pack-standard' => sub { my $p = $pack; $p =~ tr{-_}{+/} or die "-\n"; $p },
	'pack-space' => sub { my $p = $pack; substr($p, 60, 0) = ' '; $p },
	'pack-left-over' => sub { my @p = split /\./, $pack, -1; my $i = length($p[3]) ? 3 : 2; die "-\n" if length($p[$i]) % 4 == 0; my $l = chop $p[$i]; $l =~ tr{AQgwEIMUYckos048}{BRhxFJNVZdlpt159}; join '.', @p[0 .. $i - 1], $p[$i] . $l, @p[$i + 1 .. $#p] },
	'pack-half' => sub { substr $pack, 0, length($pack) / 3 },
	'pack-no-part' => sub { my $p = $pack; $p =~ s/\.[^.]*\z//; $p },
	'pack-fifth-part' => sub { "$pack.AA" },
	'pack-other-magic' => sub { my $p = $pack; $p =~ s/^avow1/avow2/; $p },
	'pack-large' => sub { my @p = split /\./, $pack, -1; $p[2] = url(un64($p[2]) . ' ' x 5000); join '.', @p },
);
for (qw(avow avow-embedded avow-jws avow-cms ec2-rsa2048 ec2-pkcs7 ec2-signature azure gcp)) {
	my $as = $_;
	$texts{"as-$as"} = sub { die "-\n" if $kind eq $as; my @p = split /\./, $pack, -1; $p[1] = $as; join '.', @p };
}

# Without another: what it says.
if (!defined $other) { $doc = un64($parts[0]); print $is_url ? un64((split /\./, $doc)[1]) : $doc, "\n"; exit }
for (sort(keys %attacks, keys %texts)) {
	($doc, $sig) = map { un64($_) } @parts;
	my $made = eval { $texts{$_} ? $texts{$_}->() : do { $attacks{$_}->(); join '.', $magic, $kind, url($doc), url($sig) } };
	die "$_ of $kind: $@" if !defined $made && $@ ne "-\n";
	print $_, ' ', $made // '-', "\n";
}
