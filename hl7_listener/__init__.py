"""The hospital door: HL7 v2 over MLLP. Bytes come in, the desk is asked, an acknowledgement goes out."""
