/* SPDX-License-Identifier: Apache-2.0 */
#include "base/complaints.h"

AlisaStatus alisa_complain(AlisaComplaints *complaints, AlisaStatus status,
                           const AlisaError *error) {
    if (!complaints || status == ALISA_OK || status == ALISA_ERROR_MEMORY) return status;
    complaints->tell(complaints->user, error->message);
    complaints->count++;
    return ALISA_OK;
}
