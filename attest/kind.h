/* kind.h - the kinds of evidence, by the names that packs, trust entries and
 * verdicts use. */
#ifndef ATTEST_KIND_H
#define ATTEST_KIND_H

#define KIND_AVOW "avow" /* the trust's kind for all forms, else detached */
#define KIND_AVOW_EMBEDDED "avow-embedded"
#define KIND_AVOW_JWS "avow-jws"
#define KIND_AVOW_CMS "avow-cms"
#define KIND_TOKEN "token"
#define KIND_EC2_SIGNATURE "ec2-signature"
#define KIND_EC2_RSA2048 "ec2-rsa2048"
#define KIND_EC2_PKCS7 "ec2-pkcs7"
#define KIND_AZURE "azure"
#define KIND_PACKS "packs" /* several, shown together */
#define KIND_GCP "gcp"

#endif
